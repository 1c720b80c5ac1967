import Accounts
import Commands
import Support

/// Makes the accounts that commands ask for.
struct AccountDoor: AccountApplier {
    let service: AccountService

    func apply(to host: String, adopting adopted: [String]) throws -> AccountReport {
        try Self.asCommand { try service.apply(host: host, adopting: adopted) }
    }

    func plan(for host: String, adopting adopted: [String]) throws -> AccountCheck {
        try Self.asCommand { try service.plan(host: host, adopting: adopted) }
    }

    func status(of host: String) throws -> [AccountStatus] {
        try service.status(host: host)
    }

    /// What went wrong on the way to a host, as a command says it.
    static func asCommand<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ToolRun.Failure {
            throw CommandError(.unavailable, error.description)
        }
    }
}
