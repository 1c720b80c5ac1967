import Accounts
import Directory

/// Takes over an account that is on a host already: `gatehouse account adopt HOST USER [--yes]`.
package struct AccountAdopt: DaemonCommand {
    package static let words = ["account", "adopt"]
    package static let summary = "Take over an account that a host has already"
    package static let usage = "HOST USER [--yes]"
    package static let examples = ["account adopt communal1 alice"]

    private let host: String
    private let user: String
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isConfirmed = words.flag("--yes")
        host = try words.positional("HOST")
        user = try words.positional("USER")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let uid = try context.directory.user(user).uid
        let services = context.services
        guard try context.directory.access(of: user, to: host, at: services.now()) != nil else {
            throw CommandError(
                .failure, "\(user) may not reach \(host), so there is no account to have",
                hint: "see 'gatehouse help grant add'")
        }
        let before = try entry(in: try services.applier.plan(for: host, adopting: []).report)
        guard before.result == .conflict, before.reason.hasPrefix("name-unmanaged") else {
            throw CommandError(
                .failure,
                "there is nothing to adopt: \(user) on \(host) is \(before.result.rawValue) \(before.reason)")
        }
        let planned = try entry(in: try services.applier.plan(for: host, adopting: [user]).report)
        guard planned.result != .conflict else {
            throw CommandError(
                .failure, "\(user) on \(host) cannot be adopted: \(planned.reason)",
                hint: "the account must have uid and gid \(uid), and its home must be its own")
        }
        try context.terminal.outLine("\(user) on \(host), uid \(uid): \(planned.reason)")
        try context.confirm(
            "From now on \(host) has this account as the directory says, and its own ~/.ssh/authorized_keys count no more. "
                + "Go on?", unless: isConfirmed)
        let done = try entry(in: try services.apply(to: host, adopting: [user], for: context.caller))
        guard done.result != .conflict else {
            throw CommandError(.failure, "\(user) on \(host) was not adopted: \(done.reason)")
        }
        try context.terminal.outLine("\(user) on \(host) is adopted")
        return .success
    }

    private func entry(in report: AccountReport) throws -> AccountReport.Entry {
        guard let entry = report.users.first(where: { $0.name == user }) else {
            throw CommandError(.failure, "\(host) says nothing of \(user)")
        }
        return entry
    }
}
