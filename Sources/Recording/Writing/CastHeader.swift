/// The first line of a recording.
package struct CastHeader: Equatable, Sendable {
    package var columns: UInt32
    package var rows: UInt32
    /// Microseconds since the epoch.
    package var start: UInt64
    /// What was run; nil: a shell.
    package var command: String?
    /// The terminal's type; nil: there is none, or it is not known.
    package var terminal: String?
    /// Whose it is: `session`, `channel`, `user`, `host`, `kind`.
    package var origin: [(name: String, value: String)]

    package init(
        columns: UInt32, rows: UInt32, start: UInt64, command: String?, terminal: String?,
        origin: [(name: String, value: String)]
    ) {
        self.columns = columns
        self.rows = rows
        self.start = start
        self.command = command
        self.terminal = terminal
        self.origin = origin
    }

    package static func == (left: Self, right: Self) -> Bool { left.line == right.line }

    /// The line, without its end.
    ///
    /// A size that is not known is 80 by 24, since the format wants one.
    package var line: [UInt8] {
        var text =
            "{\"version\": 2, \"width\": \(columns == 0 ? 80 : columns), \"height\": \(rows == 0 ? 24 : rows), "
            + "\"timestamp\": \(start / 1_000_000)"
        if let command { text += ", \"command\": " + Self.quoted(command) }
        if let terminal { text += ", \"env\": {\"TERM\": \(Self.quoted(terminal))}" }
        let members = origin.map { "\(Self.quoted($0.name)): \(Self.quoted($0.value))" }
        text += ", \"gatehouse\": {\"started\": \(start), \(members.joined(separator: ", "))}}"
        return Array(text.utf8)
    }

    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        var repair = UTF8Repair()
        repair.append(Array(text.utf8)[...], asJSONTo: &bytes)
        return "\"" + String(decoding: bytes, as: UTF8.self) + "\""
    }
}
