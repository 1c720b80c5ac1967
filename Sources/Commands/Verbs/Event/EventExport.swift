import Audit
import Support

/// Writes out events to be kept or read elsewhere: `gatehouse event export`.
package struct EventExport: DaemonCommand {
    package static let words = ["event", "export"]
    package static let summary = "Write out all events, oldest first, as JSON lines or CSV"
    package static let usage = "[--format jsonl|csv] [--after ID] [--user USER] [--session ID]"
    package static let audience = Audience.auditor
    package static let examples = ["event export > events.jsonl", "event export --format csv --after 12000"]

    private static let step = 1_000

    private enum Format: String {
        case jsonLines = "jsonl"
        case csv
    }

    private let format: Format
    private let query: EventQuery

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let name = try words.option("--format") ?? Format.jsonLines.rawValue
        guard let format = Format(rawValue: name) else { throw UsageError("--format is jsonl or csv") }
        self.format = format
        let after = try words.number("--after", as: Int64.self) ?? 0
        query = EventQuery(
            user: try words.option("--user"), session: try words.option("--session"), after: after,
            limit: Self.step)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        // Up to here: what happens meanwhile has an end for us.
        let last = try context.services.events.lastEventID()
        if format == .csv { try context.terminal.out(RecordedEvent.csvHeader) }
        var next = query
        while case let events = try context.services.events.events(next), let newest = events.last {
            let text = events.prefix { $0.id <= last }.reduce(into: "") { text, event in
                text += format == .csv ? event.csv : JSON.document(event.json).line + "\n"
            }
            if !text.isEmpty { try context.terminal.out(text) }
            guard newest.id < last else { break }
            next.after = newest.id
        }
        return .success
    }
}

extension RecordedEvent {
    static let csvHeader = "id,time,kind,session,user,host,address,detail,hash\r\n"

    /// A record of RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front.
    var csv: String {
        let detail = JSON.object(event.detail.mapValues { .string($0) }).line
        let fields = [
            String(id), event.time.description, event.kind, event.session, event.user, event.host,
            event.address,
            detail, hash,
        ]
        return fields.map { Self.quoted($0 ?? "") }.joined(separator: ",") + "\r\n"
    }

    private static func quoted(_ field: String) -> String {
        // By scalars: to those who read it, a mark on a quote does not make it another character.
        let isFormula = field.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } == true
        let text = isFormula ? "'\(field)" : field
        guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
            return text
        }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" { quoted += "\"" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
