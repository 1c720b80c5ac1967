/// Why the accounts of a host could not be made.
package struct AccountError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: String, Sendable, CaseIterable {
        /// Another program holds the host's account files; later it may work.
        case busy
        /// The host refuses what the directory wants, such as an older generation than it has.
        case refused
        /// Something on the host does not work: a file, sshd, no Python.
        case failed
        /// The host answered something that is not a report.
        case badReport
    }

    /// What kind of failure; code switches on this.
    package let code: Code

    /// One sentence without a full stop; what the host said is printable.
    package let detail: String

    /// What to do about it.
    package let hint: String?

    /// Makes an error; `detail` is a sentence for a person.
    package init(_ code: Code, _ detail: String, hint: String? = nil) {
        self.code = code
        self.detail = detail
        self.hint = hint
    }

    package var description: String { detail }
}

extension AccountError.Code {
    /// The step's exit status.
    init(status: Int32) {
        switch status {
        case 30: self = .busy
        case 40: self = .refused
        default: self = .failed
        }
    }
}
