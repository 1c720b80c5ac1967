import Support

/// What a person reads about an error, and the exit status: the one place where errors become text.
package struct ErrorReport: Equatable, Sendable {
    package let code: ExitCode

    /// The reason on one line.
    package let why: String

    /// The next step, if there is one.
    package let hint: String?

    /// - Parameter title: the command's words, for the hint of a usage error; empty: none was found.
    package init(for error: any Error, in title: String = "") {
        switch error {
        case let error as CommandError: self.init(error.code, error.why, hint: error.hint)
        case let error as UsageError:
            let help = title.isEmpty ? "'gatehouse help' lists the commands" : "see 'gatehouse help \(title)'"
            self.init(.usage, error.why, hint: error.hint ?? help)
        case let error as SystemError: self.init(Self.code(of: error), error.description)
        default: self.init(.failure, "\(error)")
        }
    }

    private init(_ code: ExitCode, _ why: String, hint: String? = nil) {
        self.code = code
        self.why = why
        self.hint = hint
    }

    /// `gatehouse: what: why`, and `hint: …` on a line of its own.
    ///
    /// - Parameter what: the command's words; empty: left out.
    package func text(what: String) -> String {
        let start = what.isEmpty ? "gatehouse: " : "gatehouse: \(what.printable): "
        return start + why.printable + "\n" + (hint.map { "hint: \($0.printable)\n" } ?? "")
    }

    private static func code(of error: SystemError) -> ExitCode {
        switch error.number {
        case 1, 13: .refused
        case 2: .notFound
        default: .failure
        }
    }
}
