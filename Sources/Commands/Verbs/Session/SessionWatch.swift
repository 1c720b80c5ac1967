import Audit
import Recording
import Support

/// Shows a live session as it goes on: `gatehouse session watch ID`.
package struct SessionWatch: DaemonCommand {
    /// From one look at what was recorded to the next.
    private static let interval = Duration.milliseconds(100)
    /// How long it may take to read what was before the beginning.
    private static let patience = Duration.seconds(10)

    package static let words = ["session", "watch"]
    package static let summary = "Show a live session that is recorded, as it goes on"
    package static let usage = "ID [--channel N]"
    package static let audience = Audience.auditor

    private let id: String
    private let channel: Int?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        channel = try words.option("--channel").map { text throws(UsageError) in
            guard let number = Int(text), number > 0 else {
                throw UsageError("'\(text.printable)' is no number of a channel")
            }
            return number
        }
        id = try words.positional("ID")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        guard let session = try context.services.events.session(id) else { throw CommandError.noSession(id) }
        let live = try RecordingLibrary(context).recordings(of: id).filter { try $0.open().isLocked() }
        guard let recording = channel.map({ number in live.first { $0.name.channel == number } }) ?? live.last
        else {
            throw CommandError(
                .notFound, "nothing of session \(id) is being recorded now",
                hint: "'gatehouse session replay \(id)' plays what was recorded")
        }
        try context.noteView(of: recording, in: session, .live)
        let hasKeys = try context.terminal.beginKeys()
        try follow(recording, on: context.terminal, hasKeys: hasKeys)
        return .success
    }

    private func follow(_ recording: RecordedChannel, on terminal: any Terminal, hasKeys: Bool) throws {
        let file = try recording.open()
        var reader = try RecordingReader(file)
        _ = try reader.header()
        var screen = Screen(hasTerminal: recording.hasTerminal)
        // All that was is shown at once, as far as a terminal needs it. What grows faster than it is read is shown as it comes.
        var shown: [UInt8] = []
        let until = MonotonicTime.now + Self.patience
        while MonotonicTime.now < until, let event = try reader.next() {
            shown += screen.shown(event)
            if shown.count > 2 * Screen.memoryLimit { shown = Array(Screen.end(of: shown)) }
            if hasKeys, try terminal.isLeft(within: .zero) { return }
        }
        try show(Array(Screen.end(of: shown)), on: terminal)
        while true {
            // In this order: what is written before the lock goes is read after it.
            let isLive = try file.isLocked()
            var isLeft = false
            while !isLeft, let event = try reader.next() {
                try show(screen.shown(event), on: terminal)
                isLeft = hasKeys ? try terminal.isLeft(within: .zero) : false
            }
            guard isLive, !isLeft, try waits(terminal, hasKeys) else { break }
        }
        try show(TerminalFilter.reset + Array("\r\n".utf8), on: terminal)
    }

    private func show(_ bytes: [UInt8], on terminal: any Terminal) throws {
        if !bytes.isEmpty { try terminal.out(String(decoding: bytes, as: UTF8.self)) }
    }

    /// False: the person has seen enough.
    private func waits(_ terminal: any Terminal, _ hasKeys: Bool) throws -> Bool {
        hasKeys ? try !terminal.isLeft(within: Self.interval) : terminal.pause(for: Self.interval)
    }
}
