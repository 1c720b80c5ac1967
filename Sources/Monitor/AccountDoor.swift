import Accounts
import Commands
import Support

/// Makes the accounts that commands ask for.
struct AccountDoor: AccountApplier {
    let service: AccountService

    func apply(to host: String, adopting adopted: [String]) throws -> AccountReport {
        try asCommand { try service.apply(host: host, adopting: adopted) }
    }

    func plan(for host: String, adopting adopted: [String]) throws -> AccountCheck {
        try asCommand { try service.plan(host: host, adopting: adopted) }
    }

    func status(of host: String) throws -> [AccountStatus] {
        try service.status(host: host)
    }

    private func asCommand<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ToolRun.Failure {
            throw CommandError(.unavailable, error.description)
        }
    }
}
