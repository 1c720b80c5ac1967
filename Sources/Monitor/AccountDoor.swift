import Accounts
import Commands

/// Makes the accounts that commands ask for.
struct AccountDoor: AccountApplier {
    let service: AccountService

    func apply(to host: String, adopting adopted: [String]) throws -> AccountReport {
        try service.apply(host: host, adopting: adopted)
    }

    func plan(for host: String, adopting adopted: [String]) throws -> AccountCheck {
        try service.plan(host: host, adopting: adopted)
    }

    func apply(toEach hosts: [String]) -> [Result<AccountReport, any Error>] {
        service.apply(hosts: hosts)
    }

    func plan(forEach hosts: [String]) -> [Result<AccountCheck, any Error>] {
        service.plan(hosts: hosts)
    }

    func status(of host: String) throws -> [AccountStatus] {
        try service.status(host: host)
    }
}
