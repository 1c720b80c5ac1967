import Control
import Directory
import Support
import Watchers

/// Says how the watchers are: `gatehouse watch status [HOST|POOL|--all] [--ask] [--json]`.
package struct WatchStatus: DaemonCommand {
    package static let words = ["watch", "status"]
    package static let summary = "Say how the watchers on hosts are, and what is not delivered yet"
    package static let usage = "[HOST|POOL|--all] [--ask] [--json]"
    package static let audience = Audience.auditor
    package static let examples = ["watch status", "watch status communal1 --ask"]

    private let choice: HostChoice
    private let asks: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        asks = words.flag("--ask")
        choice = try HostChoice(parsing: &words, needsWord: false)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let work = context.services.hostWork
        let now = context.services.now()
        let keys = Dictionary(
            uniqueKeysWithValues: try context.directory.watchKeys().map { ($0.host, $0) })
        var table = Table(
            "HOST", "STATE", "VERSION", "SINCE", "HEARD", "LAST DELIVERY", "SPOOL", "EVENTS", "GAPS", "WAY")
        var list: [JSON] = []
        var failures = ""
        for host in try choice.hosts(in: context.directory) {
            let report = work.report(host)
            let state = Self.state(installed: keys[host] != nil, report, at: now)
            let status = report?.status
            let since = status.flatMap { status in
                status.since > 0 ? Timestamp(milliseconds: Int64(clamping: status.since)) : nil
            }
            table.add(
                host, state, report?.version ?? "", since?.description ?? "",
                Self.age(report?.lastHeard, at: now), Self.age(report?.lastTaken, at: now),
                status.map { "\($0.spoolSegments) segments, \($0.spoolBytes) bytes" } ?? "",
                status.map { String($0.events) } ?? "", status.map { String($0.gaps) } ?? "",
                keys[host].map { WatchOutcomes.way(isFetched: $0.isFetched) } ?? "")
            if let failure = report?.fetchFailure, state == "silent" {
                failures += "\(host): nothing can be fetched: \(failure.printable)\n"
            }
            var entry: [String: JSON] = [
                "host": .string(host), "state": .string(state), "version": .text(report?.version),
                "key": .text(keys[host]?.material.fingerprint), "installed": .time(keys[host]?.installed),
                "since": .time(since), "last_heard": .time(report?.lastHeard),
                "last_delivery": .time(report?.lastTaken),
                "spool_bytes": .integer(status?.spoolBytes),
                "spool_segments": .integer(status?.spoolSegments), "events": .integer(status?.events),
                "gaps": .integer(status?.gaps), "trees": .strings(status?.trees ?? []),
                "way": .text(keys[host].map { WatchOutcomes.way(isFetched: $0.isFetched) }),
                "fetch_failure": .text(report?.fetchFailure),
            ]
            if asks, keys[host] != nil { entry["host_says"] = inspect(host, by: work.watchers) }
            list.append(.object(entry))
        }
        return try context.show(
            json: isJSON, ["watchers": .array(list)], text: table.text + failures + asked(list))
    }

    private func inspect(_ host: String, by watchers: WatcherService) -> JSON {
        do {
            let found = try watchers.inspect(host)
            return .object([
                "version": .string(found.version),
                "services": .object(found.states.mapValues { .string($0) }),
                "waiting": .integer(found.waiting), "session_hook": .boolean(found.hasSessionHook),
            ])
        } catch {
            return .object([
                "error": .string(ErrorReport(for: error).reasons.joined(separator: "; "))
            ])
        }
    }

    /// What the hosts themselves say, for people.
    private func asked(_ list: [JSON]) -> String {
        var text = ""
        for case .object(let entry) in list {
            guard case .string(let host)? = entry["host"], case .object(let said)? = entry["host_says"] else {
                continue
            }
            if case .string(let error)? = said["error"] {
                text += "\(host) says nothing: \(error.printable)\n"
                continue
            }
            var words: [String] = []
            if case .string(let version)? = said["version"] { words.append(version) }
            if case .object(let states)? = said["services"] {
                for (verb, state) in states.sorted(by: { $0.key < $1.key }) {
                    if case .string(let state) = state { words.append("\(verb) \(state)") }
                }
            }
            if case .number(let waiting)? = said["waiting"] { words.append("\(waiting) segments wait") }
            text += "\(host) says: \(words.joined(separator: ", ").printable)\n"
        }
        return text
    }

    /// One word for how it is.
    private static func state(installed: Bool, _ report: WatcherReport?, at now: Timestamp) -> String {
        guard installed else { return "none" }
        guard let report, let heard = report.lastHeard else { return "silent" }
        guard report.isConnected, now.milliseconds - heard.milliseconds <= 30_000 else { return "silent" }
        guard let status = report.status else { return "connected" }
        return status.isWatching ? "watching" : "not watching"
    }

    private static func age(_ time: Timestamp?, at now: Timestamp) -> String {
        guard let time else { return "never" }
        let seconds = max(0, (now.milliseconds - time.milliseconds) / 1_000)
        return seconds < 120 ? "\(seconds) s ago" : time.description
    }
}

/// Takes the watcher from a host: `gatehouse watch remove HOST [--yes]`.
package struct WatchRemove: DaemonCommand {
    package static let words = ["watch", "remove"]
    package static let summary = "Take the watcher from a host, with its key"
    package static let usage = "HOST [--yes] [--forget]"

    private let host: String
    private let isConfirmed: Bool
    /// The host cannot be reached and is not to deliver any more.
    private let forgets: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isConfirmed = words.flag("--yes")
        forgets = words.flag("--forget")
        host = try words.positional("HOST")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        _ = try context.directory.host(host)
        try context.confirm(
            "What happens on \(host) is not seen any more. Go on?", unless: isConfirmed)
        if forgets {
            try context.directory.removeWatchKey(of: host)
            return try context.done(
                Change(Self.self, host: host, ["forget": "yes"]),
                "the watcher of \(host) delivers no more; what is installed there stays")
        }
        let left = try context.services.hostWork.watchers.remove(from: host)
        if left > 0 {
            try context.terminal.errLine("\(left) segments were not delivered and are lost")
        }
        return try context.done(
            Change(Self.self, host: host, ["lost_segments": String(left)]), "watcher removed from \(host)")
    }
}
