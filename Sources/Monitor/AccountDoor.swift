import Accounts
import Commands
import Support

/// Makes the accounts that commands ask for.
struct AccountDoor: AccountApplier {
    let service: AccountService

    func apply(to host: String) throws -> AccountReport {
        do {
            return try service.apply(host: host)
        } catch let error as ToolRun.Failure {
            throw CommandError(.unavailable, error.description)
        }
    }
}
