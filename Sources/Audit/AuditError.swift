/// Why the log did not do what was asked. Nothing has been changed.
package struct AuditError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: String, Sendable {
        /// There is no session of that name.
        case notFound
        /// A session of that name is there already.
        case sessionExists
        /// The piece of the journal does not follow what has been read.
        case journalGap
    }

    /// What went wrong.
    ///
    /// Code switches on this; people read `detail`.
    package let code: Code

    /// One line for the log.
    package let detail: String

    /// Makes an error; `detail` is a sentence for a person.
    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}
