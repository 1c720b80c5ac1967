/// Words that make no sense.
package struct UsageError: Error, Equatable, Sendable {
    /// What is wrong with them.
    package let why: String

    /// What to do instead; nil: look at the command's help.
    package let hint: String?

    package init(_ why: String, hint: String? = nil) {
        self.why = why
        self.hint = hint
    }
}

/// A command that cannot do what it was asked.
package struct CommandError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The exit status.
    package let code: ExitCode

    /// The reason, for a person; never holds a secret.
    package let why: String

    /// The next step, if there is one.
    package let hint: String?

    package init(_ code: ExitCode, _ why: String, hint: String? = nil) {
        self.code = code
        self.why = why
        self.hint = hint
    }

    package var description: String { why }
}
