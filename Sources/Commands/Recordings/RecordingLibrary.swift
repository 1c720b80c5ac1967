import Audit
import Configuration
import FoundationEssentials
import Recording
import SSHKeys
import Support

/// The recordings of sessions, and what the event log says of them.
struct RecordingLibrary: Sendable {
    private let folder: RecordingFolder
    private let events: EventLog

    init(_ context: CommandContext) {
        folder = RecordingFolder(context.services.configuration.recordingDirectory)
        events = context.services.events
    }

    /// How a recording stands to the hash that was noted at its end.
    enum Integrity: String, Sendable {
        case intact
        /// It is still being written.
        case live
        /// Its end is not in the log: nothing says what it should be.
        case unknown
        case changed
        case missing
        /// It was removed, and the log says so.
        case removed
    }

    /// The recordings of every session: how many there are.
    func counts() -> [String: Int] {
        Dictionary(grouping: (try? folder.names()) ?? [], by: \.session.description).mapValues(\.count)
    }

    /// The recordings of one session that are there, in the order in which they were begun.
    func recordings(of session: String) -> [RecordedChannel] {
        ((try? folder.names()) ?? []).filter { $0.session.description == session }.compactMap(recording)
    }

    /// Those of which the first line cannot be read.
    func damaged(of session: String) -> [RecordingName] {
        ((try? folder.names()) ?? []).filter { $0.session.description == session && recording($0) == nil }
    }

    /// Reads what a recording says of itself; nil: it is gone, or has no first line.
    private func recording(_ name: RecordingName) -> RecordedChannel? {
        guard let file = try? folder.open(name), var reader = try? RecordingReader(file),
            let line = (try? reader.header()).flatMap({ $0 }),
            let header = try? JSONDecoder().decode(RecordedChannel.Header.self, from: Data(line))
        else { return nil }
        let size = (try? file.size()) ?? 0
        return RecordedChannel(
            name: name, header: header, index: RecordingIndex(of: file, size: size), byteCount: size,
            isLive: (try? file.isLocked()) ?? false, folder: folder)
    }

    /// What the event of its end says; nil: there is none.
    func end(of name: RecordingName) throws -> [String: String]? {
        try ends(session: name.session.description)[name.description]
    }

    /// What the events of the ends say, by the recording's name.
    func ends(session: String?) throws -> [String: [String: String]] {
        var ends: [String: [String: String]] = [:]
        try each(.recordingEnded, session) { ends[$0] = $1 }
        return ends
    }

    /// Names of recordings of which there is an event of this kind.
    func named(by kind: EventKind, session: String?) throws -> Set<String> {
        var names: Set<String> = []
        try each(kind, session) { name, _ in names.insert(name) }
        return names
    }

    private func each(
        _ kind: EventKind, _ session: String?, _ body: (String, [String: String]) -> Void
    ) throws {
        var after: Int64 = 0
        while true {
            let page = try events.events(
                EventQuery(session: session, kind: kind, after: after, limit: 10_000))
            for event in page {
                if let name = event.event.detail["recording"] { body(name, event.event.detail) }
            }
            guard let last = page.last else { return }
            after = last.id
        }
    }

    /// Compares a recording with what was noted at its end.
    ///
    /// - Parameter end: the event's detail.
    func integrity(of name: RecordingName, end: [String: String]?) throws -> Integrity {
        guard let file = try? folder.open(name) else { return .missing }
        guard let noted = end?["sha256"] else { return try file.isLocked() ? .live : .unknown }
        return Checkpoint.hexadecimal(try HashFunction.sha256(of: file)) == noted ? .intact : .changed
    }

    /// The recordings that are there.
    func names() throws -> [RecordingName] { try folder.names() }
}

/// A recording that was there when it was looked at; it holds no file open.
struct RecordedChannel: Sendable {
    /// What its first line says.
    struct Header: Decodable, Sendable {
        struct Origin: Decodable, Sendable {
            /// Microseconds since the epoch.
            var started: UInt64
            var kind: String
            /// `yes` or `no`.
            var terminal: String
        }

        var width: Int
        var height: Int
        var command: String?
        var gatehouse: Origin
    }

    let name: RecordingName
    let header: Header
    /// Its index, once it is finished.
    let index: RecordingIndex?
    let byteCount: UInt64
    /// Whether it was still being written.
    let isLive: Bool
    let folder: RecordingFolder

    /// Its file.
    ///
    /// - Throws: `SystemError`: ENOENT when it has gone.
    func open() throws(SystemError) -> Descriptor { try folder.open(name) }

    /// When it begins, in a year of four digits.
    var start: Timestamp {
        Timestamp(milliseconds: Int64(min(header.gatehouse.started / 1_000, 253_402_300_799_999)))
    }

    /// How far a moment is from the beginning; 0 before it.
    func microseconds(at time: Timestamp) -> UInt64 {
        let (moment, isTooLate) = UInt64(clamping: time.milliseconds).multipliedReportingOverflow(by: 1_000)
        let started = header.gatehouse.started
        return isTooLate ? .max : moment > started ? moment - started : 0
    }

    var hasTerminal: Bool { header.gatehouse.terminal == "yes" }

    var json: [String: JSON] {
        [
            "channel": .integer(name.channel), "kind": .string(header.gatehouse.kind),
            "command": .text(header.command), "terminal": .boolean(hasTerminal), "started": .time(start),
            "live": .boolean(isLive), "seconds": .integer(index.map { $0.duration / 1_000_000 }),
            "output_bytes": .integer(index?.outputBytes),
            "file_bytes": .integer(byteCount), "exit": .text(index?.exit),
        ]
    }

    /// One line about it.
    var text: String {
        let length = index.map { Quantities.clock(Int64(clamping: $0.duration / 1_000_000)) }
        let size = Quantities.size(Int64(clamping: byteCount))
        let what = header.command.map { "\(header.gatehouse.kind) \($0.printable)" } ?? header.gatehouse.kind
        return "\(name.channel): \(what), from \(start), \(isLive ? "live" : length ?? "cut off"), \(size)"
    }
}
