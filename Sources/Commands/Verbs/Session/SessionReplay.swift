import Audit
import Recording
import Support

/// Plays the recording of a session: `gatehouse session replay ID`.
package struct SessionReplay: DaemonCommand {
    package static let words = ["session", "replay"]
    package static let summary = "Play a session's recording"
    package static let usage =
        "ID [--channel N] [--speed N] [--idle TIME] [--at MOMENT] [--search TEXT] [--dump]"
    package static let examples = [
        "session replay 01ARZ3NDEKTSV4RRFFQ69G5FAV --speed 2 --idle 2s",
        "session replay 01ARZ3NDEKTSV4RRFFQ69G5FAV --at 12:30",
    ]
    package static let audience = Audience.auditor

    private let id: String
    private let channel: Int?
    private let manner: Player.Manner
    private let moment: SessionMoment?
    private let needle: String?
    private let isDump: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        channel = try words.option("--channel").map { text throws(UsageError) in
            guard let number = Int(text), number > 0 else {
                throw UsageError("'\(text.printable)' is no number of a channel")
            }
            return number
        }
        var manner = Player.Manner()
        if let text = try words.option("--speed") {
            guard let speed = Double(text), (0.01...64).contains(speed) else {
                throw UsageError("'\(text.printable)' is not a speed from 0.01 to 64")
            }
            manner.speed = speed
        }
        if let text = try words.option("--idle") {
            guard case .offset(let milliseconds) = try SessionMoment(parsing: text) else {
                throw UsageError("'\(text.printable)' is not a time such as 2s")
            }
            manner.idle = UInt64(clamping: milliseconds) * 1_000
        }
        self.manner = manner
        moment = try words.option("--at").map { text throws(UsageError) in try SessionMoment(parsing: text) }
        needle = try words.option("--search")
        isDump = words.flag("--dump")
        id = try words.positional("ID")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        guard let session = try context.services.events.session(id) else { throw CommandError.noSession(id) }
        let library = RecordingLibrary(context)
        let time = moment?.milliseconds(from: session.started)
        let recordings = library.recordings(of: id)
        if recordings.isEmpty { try complain(of: library.damaged(of: id), library) }
        let recording = try choose(from: recordings, at: time)
        let integrity = try library.integrity(of: recording.name, end: library.end(of: recording.name))
        try context.noteView(of: recording, in: session, integrity)
        try remark(on: integrity, of: recording, context.terminal)
        let start = time.map { recording.microseconds(at: Timestamp(milliseconds: $0)) }
        if isDump {
            try dump(recording, from: start ?? 0, on: context.terminal)
        } else {
            try play(recording, from: start, on: context.terminal)
        }
        return integrity == .changed ? .failure : .success
    }

    private func complain(of damaged: [RecordingName], _ library: RecordingLibrary) throws {
        guard let name = damaged.first else { return }
        let isChanged = try library.integrity(of: name, end: library.end(of: name)) == .changed
        throw CommandError(
            .failure, "\(name) cannot be read" + (isChanged ? ": somebody has changed it" : ""),
            hint: "'gatehouse session verify \(id)' compares it with the event log")
    }

    /// The channel that was asked for; else the one that ran at the moment; else the first.
    private func choose(from recordings: [RecordedChannel], at time: Int64?) throws -> RecordedChannel {
        guard let first = recordings.first else {
            throw CommandError(
                .notFound, "session \(id) has no recording",
                hint: "'gatehouse session show \(id)' says what there is of it")
        }
        if let channel {
            guard let recording = recordings.first(where: { $0.name.channel == channel }) else {
                let there = recordings.map { String($0.name.channel) }.joined(separator: ", ")
                throw CommandError(
                    .notFound, "channel \(channel) of session \(id) has no recording",
                    hint: "there are: \(there)")
            }
            return recording
        }
        guard let time else { return first }
        let running = recordings.filter { recording in
            let length = recording.index.map { Int64(clamping: $0.duration / 1_000) } ?? .max / 2
            return recording.start.milliseconds - 1_000 <= time
                && time <= recording.start.milliseconds + length + 1_000
        }
        return running.first ?? first
    }

    private func remark(
        on integrity: RecordingLibrary.Integrity, of recording: RecordedChannel, _ terminal: any Terminal
    ) throws {
        switch integrity {
        case .changed:
            try terminal.errLine(
                "warning: this recording is not as it was written: somebody has changed \(recording.name)")
        case .unknown:
            try terminal.errLine(
                "note: the end of this recording is not in the event log, so nothing proves it")
        case .intact, .live, .missing, .removed: break
        }
    }

    /// Writes what was shown, without its times and without what moves a cursor.
    private func dump(_ recording: RecordedChannel, from start: UInt64, on terminal: any Terminal) throws {
        var reader = try RecordingReader(recording.open())
        _ = try reader.header()
        var filter = TerminalFilter(keepsControls: false)
        while let event = try reader.next() {
            guard event.time >= start else { continue }
            var out: [UInt8] = []
            switch event.kind {
            case .output, .error: filter.append(event.data, to: &out)
            case .marker: out = Array("\n[\(String(decoding: event.data, as: UTF8.self).printable)]\n".utf8)
            case .input, .resize, .exit: break
            }
            if !out.isEmpty { try terminal.out(String(decoding: out, as: UTF8.self)) }
        }
    }

    private func play(_ recording: RecordedChannel, from start: UInt64?, on terminal: any Terminal) throws {
        if terminal.columns > 0, terminal.columns < recording.header.width {
            try terminal.errLine(
                "note: it was recorded on \(recording.header.width) columns; this terminal has \(terminal.columns)"
            )
        }
        let hasKeys = try terminal.beginKeys()
        var player = try Player(recording, on: terminal, hasKeys: hasKeys, manner)
        if let start { try player.seek(to: start) }
        if let needle, try !player.find(needle), !player.isOver {
            throw CommandError(
                .failure, "'\(needle.printable)' is not shown in it\(start == nil ? "" : " after that")")
        }
        try player.play()
    }
}

extension CommandContext {
    /// Notes that somebody is about to see a recording: before the first byte of it.
    func noteView(
        of recording: RecordedChannel, in session: Session, _ integrity: RecordingLibrary.Integrity
    ) throws {
        try services.events.append(
            Event(
                .recordingViewed, at: services.now(), session: session.id, user: caller.userName,
                host: session.host, address: caller.address,
                detail: [
                    "recording": recording.name.description, "by": caller.description,
                    "of": session.user ?? "", "state": integrity.rawValue,
                ]))
    }
}
