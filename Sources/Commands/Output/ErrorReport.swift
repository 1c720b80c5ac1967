import Accounts
import Audit
import Configuration
import Directory
import Inventory
import SQLite
import SSHKeys
import Support

/// What a person reads about an error, and the exit status: the one place where errors become text.
package struct ErrorReport: Equatable, Sendable {
    package let code: ExitCode

    /// The reasons, one line each; never empty.
    package let reasons: [String]

    /// The next step, if there is one.
    package let hint: String?

    /// - Parameter title: the command's words, for the hint of a usage error; empty: none was found.
    package init(for error: any Error, in title: String = "") {
        switch error {
        case let error as CommandError: self.init(error.code, error.why, hint: error.hint)
        case let error as UsageError:
            let help = title.isEmpty ? "'gatehouse help' lists the commands" : "see 'gatehouse help \(title)'"
            self.init(.usage, error.why, hint: error.hint ?? help)
        case let error as DirectoryError: self.init(Self.code(of: error), error.detail, hint: error.hint)
        case let error as InventoryError: self.init(.unavailable, error.detail, hint: error.hint)
        case let error as KeyError: self.init(Self.code(of: error), error.detail, hint: Self.hint(for: error))
        case let error as AccountError: self.init(Self.code(of: error), error.detail, hint: error.hint)
        case let error as StepError: self.init(.failure, error.detail, hint: error.hint)
        case let error as ConfigurationError:
            self.init(.configuration, reasons: error.problems.map(\.description), hint: nil)
        case let error as AuditError: self.init(error.code == .notFound ? .notFound : .failure, error.detail)
        case let error as SQLiteError: self.init(Self.code(of: error), "database: \(error.detail)")
        case let error as SystemError: self.init(Self.code(of: error), error.description)
        default: self.init(.failure, "\(error)")
        }
    }

    private init(_ code: ExitCode, _ why: String, hint: String? = nil) {
        self.init(code, reasons: [why], hint: hint)
    }

    private init(_ code: ExitCode, reasons: [String], hint: String?) {
        self.code = code
        self.reasons = reasons
        self.hint = hint
    }

    /// `gatehouse: what: why` for each reason, and `hint: …` on a line of its own.
    ///
    /// - Parameter what: the command's words; empty: left out.
    package func text(what: String) -> String {
        let start = what.isEmpty ? "gatehouse: " : "gatehouse: \(what.printable): "
        return reasons.map { start + $0.printable + "\n" }.joined()
            + (hint.map { "hint: \($0.printable)\n" } ?? "")
    }

    private static func code(of error: DirectoryError) -> ExitCode {
        switch error.code {
        case .invalidName, .reservedName, .invalidAddress, .invalidInstance, .invalidField, .invalidKey,
            .invalidDocument:
            .usage
        case .notFound: .notFound
        case .notPermitted: .refused
        case .nameTaken, .uidTaken, .gidTaken, .outOfRange, .rangeExhausted, .keyTaken, .userNotActive,
            .conflict, .tooMany:
            .failure
        }
    }

    private static func code(of error: AccountError) -> ExitCode {
        switch error.code {
        case .busy: .unavailable
        case .refused: .refused
        case .failed, .badReport: .failure
        }
    }

    private static func code(of error: KeyError) -> ExitCode {
        switch error.code {
        case .privateKey: .refused
        case .cryptography: .failure
        default: .usage
        }
    }

    private static func hint(for error: KeyError) -> String? {
        switch error.code {
        case .privateKey: "nothing was kept; if others could read the private key on its way, make a new one"
        case .empty, .malformed: "give a public key, such as ~/.ssh/id_ed25519.pub"
        default: nil
        }
    }

    private static func code(of error: SQLiteError) -> ExitCode {
        switch error.code {
        case .busy, .diskFull, .inputOutput, .cannotOpen: .unavailable
        default: .failure
        }
    }

    private static func code(of error: SystemError) -> ExitCode {
        switch error.number {
        case 1, 13: .refused
        case 2: .notFound
        default: .failure
        }
    }
}
