import Audit
import Support

/// Lists events: `gatehouse event list …`.
package struct EventList: DaemonCommand {
    /// How often the log is looked at while following it.
    private static let interval = Duration.milliseconds(200)

    package static let words = ["event", "list"]
    package static let summary = "List what happened, newest last; --follow goes on"
    package static let usage = "[--follow] [--kind KIND] [--user USER] [--session ID] [--limit N] [--json]"
    package static let audience = Audience.auditor
    package static let examples = [
        "event list --user alice --limit 20", "event list --kind file.operation",
        "event list --follow --json",
    ]

    private let query: EventQuery
    private let follows: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        follows = words.flag("--follow")
        isJSON = words.flag("--json")
        let limit = try words.number("--limit", as: Int.self) ?? 100
        guard (0...100_000).contains(limit) else { throw UsageError("--limit is 0 to 100000") }
        let kind = try words.option("--kind").map { (name) throws(UsageError) in
            guard let kind = EventKind(rawValue: name) else {
                let kinds = EventKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError("there is no kind of event '\(name.printable)', but \(kinds)")
            }
            return kind
        }
        query = EventQuery(
            user: try words.option("--user"), session: try words.option("--session"),
            kind: kind, limit: limit)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let log = context.services.events
        var last = try log.lastEventID()
        let events = try log.events(query)
        last = max(last, events.last?.id ?? 0)
        if isJSON, !follows {
            let list = events.map { JSON.object($0.json) }
            try context.terminal.out(JSON.document(["events": .array(list)]).pretty)
            return .success
        }
        try show(events, on: context.terminal)
        guard follows else { return .success }

        var next = query
        next.limit = 1_000
        while context.terminal.pause(for: Self.interval) {
            let newest = try log.lastEventID()
            guard newest > last else { continue }
            next.after = last
            let events = try log.events(next)
            try show(events, on: context.terminal)
            // Fewer than asked for: there is nothing more up to the newest one seen before.
            last = max(events.last?.id ?? last, events.count < next.limit ? newest : last)
        }
        throw TerminalGone()
    }

    /// One line each; in JSON each line is a document.
    private func show(_ events: [RecordedEvent], on terminal: any Terminal) throws {
        let text = events.reduce(into: "") { text, event in
            text += (isJSON ? JSON.document(event.json).line : event.text(withSession: true)) + "\n"
        }
        if !text.isEmpty { try terminal.out(text) }
    }
}
