import Accounts
import Commands
import Fleet
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

    func apply(toEach hosts: [String]) -> [Result<AccountReport, any Error>] {
        service.apply(hosts: hosts).map { outcome in Result { try Self.asCommand { try outcome.get() } } }
    }

    func plan(forEach hosts: [String]) -> [Result<AccountCheck, any Error>] {
        service.plan(hosts: hosts).map { outcome in Result { try Self.asCommand { try outcome.get() } } }
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
        } catch let error as FleetError {
            throw CommandError(.unavailable, error.detail, hint: error.hint)
        }
    }
}
