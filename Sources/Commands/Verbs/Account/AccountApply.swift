package import Accounts
package import Audit
import Directory
package import Support

/// Makes the directory's accounts on hosts: `gatehouse account apply HOST|POOL|--all [--json]`.
package struct AccountApply: DaemonCommand {
    package static let words = ["account", "apply"]
    package static let summary = "Make the accounts of the directory on hosts"
    package static let usage = "HOST|POOL|--all [--json]"
    package static let examples = ["account apply communal1", "account apply --all"]

    private let choice: HostChoice

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        choice = try HostChoice(parsing: &words, needsWord: true)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let services = context.services
        let caller = context.caller
        return try ReportList.show(choice, isRehearsal: false, in: context) { hosts in
            zip(hosts, services.applier.apply(toEach: hosts)).map { host, outcome in
                Result { try services.note(outcome, on: host, for: caller) }
            }
        }
    }
}

/// Says what applying would do: `gatehouse account plan [HOST|POOL|--all] [--json]`.
package struct AccountPlan: DaemonCommand {
    package static let words = ["account", "plan"]
    package static let summary = "Say what 'account apply' would do, without doing it"
    package static let usage = "[HOST|POOL|--all] [--json]"
    package static let examples = ["account plan communal1", "account plan --all"]

    private let choice: HostChoice

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        choice = try HostChoice(parsing: &words, needsWord: false)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let services = context.services
        return try ReportList.show(choice, isRehearsal: true, in: context) { hosts in
            zip(hosts, services.applier.plan(forEach: hosts)).map { host, outcome in
                Result {
                    let check = try outcome.get()
                    if let event = Event(check, on: host, at: services.now()) {
                        try services.events.append(event)
                    }
                    return check.report
                }
            }
        }
    }
}

extension CommandServices {
    /// Applies, and notes what came of it.
    func apply(to host: String, adopting adopted: [String] = [], for caller: Caller) throws -> AccountReport {
        try note(Result { try applier.apply(to: host, adopting: adopted) }, on: host, for: caller)
    }

    /// Notes what came of applying.
    ///
    /// - Throws: what it failed with.
    func note(
        _ outcome: Result<AccountReport, any Error>, on host: String, for caller: Caller
    ) throws -> AccountReport {
        var event: Event
        switch outcome {
        case .success(let report): event = Event(report, on: host, by: caller.description, at: now())
        case .failure(let error):
            let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
            event = Event(
                .accountFailed, at: now(), host: host,
                detail: ["by": caller.description, "reason": reason])
        }
        event.session = caller.session
        event.user = caller.userName
        event.address = caller.address
        try events.append(event)
        return try outcome.get()
    }
}

extension Event {
    /// Accounts were made on a host.
    package init(_ report: AccountReport, on host: String, by who: String, at time: Timestamp = .now) {
        var detail = [
            "by": who, "changed": String(report.changes.count), "conflicts": String(report.conflicts.count),
        ]
        if !report.conflicts.isEmpty {
            detail["reasons"] = Self.list(report.conflicts.map { ($0.name, $0.reason) })
        }
        self.init(.accountApplied, at: time, host: host, detail: detail)
    }

    /// A host is not any more as it was left; nil: it is.
    package init?(_ check: AccountCheck, on host: String, at time: Timestamp = .now) {
        if check.drifted.isEmpty { return nil }
        let drifted = check.drifted.sorted { $0.key < $1.key }.map {
            ($0.key.isEmpty ? "host" : $0.key, $0.value)
        }
        self.init(.accountDrifted, at: time, host: host, detail: ["what": Self.list(drifted)])
    }

    private static func list(_ items: [(String, String)]) -> String {
        let shown = items.prefix(20).map { "\($0): \($1)" }
        let rest = items.count > shown.count ? ["and \(items.count - shown.count) more"] : []
        return (shown + rest).joined(separator: "; ")
    }
}

extension AccountReport {
    /// What is different now, or would be.
    var changes: [Entry] { (users + groups).filter { $0.result != .unchanged && $0.result != .conflict } }
}
