import Glibc

/// Lines on standard error, one per event: `<level>message key=value …`, with the journal's level prefix.
///
/// Messages are constant text, data goes into the metadata. What a peer chose is escaped. Never log keys, passwords, tokens or
/// terminal contents. Safe from any thread: one write(2) per line.
package struct Log: Sendable {
    /// How much an event matters; raw values are syslog(3) priorities.
    package enum Level: Int, Comparable, Sendable, CaseIterable {
        case critical = 2
        case error = 3
        case warning = 4
        case notice = 5
        case info = 6
        case debug = 7

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Events less important than this are dropped.
    package let threshold: Level

    /// Goes into every line, such as the session's id.
    package let context: [(key: String, value: String)]

    package init(threshold: Level = .info, context: [(key: String, value: String)] = []) {
        self.threshold = threshold
        self.context = context
    }

    /// Writes one line if `level` matters enough.
    package func write(
        _ level: Level, _ message: StaticString, _ metadata: KeyValuePairs<String, String> = [:]
    ) {
        guard level <= threshold else { return }
        var line = "<\(level.rawValue)>\(message)"
        for (key, value) in context { line += " \(key)=\(Self.escaped(value))" }
        for (key, value) in metadata { line += " \(key)=\(Self.escaped(value))" }
        line += "\n"
        _ = unsafe line.utf8CString.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count - 1) }
    }

    /// Writes a line for developers.
    package func debug(_ message: StaticString, _ metadata: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, metadata)
    }

    /// Writes a line about a step of ordinary work.
    package func info(_ message: StaticString, _ metadata: KeyValuePairs<String, String> = [:]) {
        write(.info, message, metadata)
    }

    /// Writes a line that an operator wants to see.
    package func notice(_ message: StaticString, _ metadata: KeyValuePairs<String, String> = [:]) {
        write(.notice, message, metadata)
    }

    /// Writes a line about what goes on, but worse than it should.
    package func warning(_ message: StaticString, _ metadata: KeyValuePairs<String, String> = [:]) {
        write(.warning, message, metadata)
    }

    /// Writes a line about what was asked for and could not be done.
    package func error(_ message: StaticString, _ metadata: KeyValuePairs<String, String> = [:]) {
        write(.error, message, metadata)
    }

    /// Quotes a value that holds blanks, quotes, control or non-ASCII characters.
    package static func escaped(_ value: String) -> String {
        let plain = value.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if plain, !value.isEmpty { return value }
        return value.unicodeScalars.reduce(into: "\"") { $0 += $1.escaped(asASCII: true) } + "\""
    }
}
