import Accounts
import Commands
import Directory
import Support

/// Makes the accounts that commands ask for.
struct AccountDoor: AccountApplier {
    let service: AccountService

    func apply(to host: String) throws -> Commands.AccountReport {
        do {
            return Commands.AccountReport(try service.apply(host: host))
        } catch let error as AccountError {
            throw CommandError(error.code == .refused ? .refused : .failure, error.detail)
        } catch let error as ToolRun.Failure {
            throw CommandError(.unavailable, error.description)
        }
    }
}

extension Commands.AccountReport {
    fileprivate init(_ report: Accounts.AccountReport) {
        func item(_ kind: String, _ entry: Accounts.AccountReport.Entry) -> Item {
            Item(kind: kind, name: entry.name, outcome: Item.Outcome(entry.result), detail: entry.reason)
        }
        var items = report.groups.map { item("group", $0) } + report.users.map { item("user", $0) }
        items.append(
            Item(
                kind: "file", name: "sshd configuration",
                outcome: report.sshdChanged ? .changed : .unchanged,
                detail: report.sshdReloaded ? "sshd reloaded" : ""))
        self.init(items: items)
    }
}

extension Commands.AccountReport.Item.Outcome {
    fileprivate init(_ result: Accounts.AccountReport.Result) {
        self =
            switch result {
            case .created: .made
            case .updated, .locked: .changed
            case .unchanged: .unchanged
            case .conflict: .conflict
            }
    }
}
