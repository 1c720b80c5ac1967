import CSupport
import Control
import Glibc
package import Support

/// The process that writes one recording, started by the daemon with everything it needs.
///
/// Descriptors: 2 log, 3 the socket on which the session tells what happens, 4 the file. It opens no file and has nothing to read back.
package enum Recorder {
    /// What is left free on the disk, in bytes: events and journals need their room.
    package static let reserve: UInt64 = 128 << 20

    /// What the process does first; nothing later needs it again.
    package static func prepare() {
        // A full disk and a full file show in the result of a write; a session that is gone in its own.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // The daemon's restart ends none; the end of the session does.
        signal(SIGHUP, SIG_IGN)
        gh_forbid_tracing()
    }

    /// Records until the session's end of the socket is closed.
    ///
    /// - Returns: the exit status.
    package static func run() -> Int32 {
        run(socket: Descriptor(adopting: 3), file: Descriptor(adopting: 4))
    }

    /// The same with other descriptors.
    ///
    /// - Parameter freeSpace: the bytes that are free where the file is; nil: as the system says.
    package static func run(
        socket: Descriptor, file: Descriptor, freeSpace: (() throws -> UInt64)? = nil
    ) -> Int32 {
        do {
            var recording = try Recording(
                socket: socket, file: RecordingFile(file, freeSpace: freeSpace ?? { try file.freeSpace() }))
            try recording.run()
            return 0
        } catch is Full {
            say(.full, on: socket)
            return 0
        } catch is RecordingFile.NoRoom {
            say(.noRoom, on: socket)
            return 0
        } catch {
            Log(context: []).error("recording failed", ["error": "\(error)"])
            say(.failed, on: socket)
            return 74
        }
    }

    static func say(_ word: RecorderWord, on socket: Descriptor) {
        var byte = word.rawValue
        _ = unsafe send(socket.number, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    /// The file has the size that it may have.
    struct Full: Error {}
}

/// One recording in the making.
private struct Recording {
    private let socket: Descriptor
    private var reader = RecordingMessageReader()
    private var buffer = [UInt8](repeating: 0, count: 256 * 1_024)
    private var file: RecordingFile
    private var writer: CastWriter
    private let limit: UInt64

    /// Takes the first message, and writes the recording's beginning.
    init(socket: Descriptor, file: consuming RecordingFile) throws {
        self.socket = socket
        self.file = file
        var first: (time: UInt64, message: RecordingMessage)?
        while first == nil {
            let count = try socket.read(into: &buffer)
            guard count > 0 else { throw WireError("nobody says what is recorded") }
            reader.append(buffer[..<count])
            first = try reader.next()
        }
        guard let (time, message) = first, case .start(let header, let limit) = message else {
            throw WireError("the first message is not the beginning")
        }
        self.limit = limit
        writer = CastWriter(start: time)
        try self.file.append(header + [0x0A], of: 0, now: .now)
        try self.file.flushAll()
        Recorder.say(.ready, on: socket)
    }

    mutating func run() throws {
        do { try record() } catch let error as RecordingFile.NoRoom {
            file.keepsReserve = false
            try end(because: "the gateway's disk is nearly full: the recording ends here")
            throw error
        }
    }

    private mutating func record() throws {
        while true {
            // What came with the first message, too.
            while let (time, message) = try reader.next() { try take(message, at: time) }
            try file.flush(now: .now)
            if let due = file.due, !socket.waits(for: Int16(POLLIN), until: due) { continue }
            let count = (try? socket.read(into: &buffer)) ?? 0
            if count == 0 { return try finish() }
            reader.append(buffer[..<count])
        }
    }

    private mutating func take(_ message: RecordingMessage, at time: UInt64) throws {
        if case .start = message { throw WireError("a recording begins once") }
        var lines: [UInt8] = []
        writer.append(message, at: time, to: &lines)
        try file.append(lines, of: writer.duration, now: .now)
        guard file.size >= limit else { return }
        try end(because: "the recording has reached its limit and ends here")
        throw Recorder.Full()
    }

    private mutating func end(because remark: String) throws {
        var lines: [UInt8] = []
        writer.mark(remark, at: 0, to: &lines)
        try file.append(lines, of: writer.duration, now: .now)
        try finish()
    }

    private mutating func finish() throws {
        var lines: [UInt8] = []
        writer.finish(at: 0, to: &lines)
        try file.append(lines, of: writer.duration, now: .now)
        let writer = writer
        try file.finish { index in
            index.duration = writer.duration
            index.outputBytes = writer.outputBytes
            index.lostBytes = writer.lostBytes
            index.exit = writer.exit
            index.isComplete = writer.isFinished
        }
    }
}
