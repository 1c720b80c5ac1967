import Control
import Glibc
package import Support

/// A terminal at the other end of a `MessageSocket`.
///
/// One thread at a time: the protocol is question and answer.
package struct RemoteTerminal: Terminal {
    package let isInteractive: Bool
    package let columns: Int

    private let socket: MessageSocket
    /// Whether the other end can be asked for files: a session on `gate` has none of the user's.
    private let hasFiles: Bool

    package init(_ socket: MessageSocket, isInteractive: Bool, columns: Int, hasFiles: Bool) {
        self.socket = socket
        self.isInteractive = isInteractive
        self.columns = columns
        self.hasFiles = hasFiles
    }

    package func out(_ text: String) throws {
        for piece in Self.pieces(of: text) { try send(.output(piece)) }
    }

    package func err(_ text: String) throws {
        for piece in Self.pieces(of: text) { try send(.error(piece)) }
    }

    package func readInput(limit: Int) throws -> [UInt8] {
        try send(.wantInput(limit: UInt32(clamping: limit)))
        return try collect(limit: limit, what: "standard input")
    }

    package func readFile(_ path: String, limit: Int) throws -> [UInt8] {
        guard hasFiles else {
            throw CommandError(
                .usage, "'\(path)' is on your machine, where the gateway cannot read it",
                hint: "use '-' and send the file on standard input: ssh … < \(path)")
        }
        try send(.wantFile(path: path, limit: UInt32(clamping: limit)))
        return try collect(limit: limit, what: path)
    }

    package func ask(_ question: String) throws -> String? {
        guard isInteractive else { return nil }
        try send(.ask(question: question))
        switch try receive() {
        case .input(let bytes): return String(validating: bytes, as: UTF8.self)
        case .inputFailed: return nil
        default: throw TerminalGone()
        }
    }

    package func pause(for duration: Duration) -> Bool {
        var entry = pollfd(fd: socket.descriptor.number, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&entry, 1, Int32(clamping: duration.milliseconds))
        // Nothing was asked, so whatever comes is the peer's end or a peer that breaks the protocol.
        return ready == 0 || (ready < 0 && errno == EINTR)
    }

    package func beginKeys() throws -> Bool {
        // A session on `gate` with a terminal has a person at it, whom nobody can ask for lines.
        guard columns > 0, isInteractive || !hasFiles else { return false }
        try send(.wantKeys)
        return true
    }

    package func keys(within duration: Duration) throws -> [UInt8] {
        guard socket.descriptor.waits(for: Int16(POLLIN), until: .now + duration) else { return [] }
        guard case .keys(let typed) = try receive() else { throw TerminalGone() }
        return typed
    }

    /// Sends a message of the daemon's side.
    ///
    /// - Throws: `TerminalGone`.
    func send(_ message: CommandMessage) throws(TerminalGone) {
        do { try socket.send(message.encoded) } catch { throw TerminalGone() }
    }

    private func receive() throws(TerminalGone) -> CommandMessage {
        do {
            guard let (message, _) = try socket.receive() else { throw TerminalGone() }
            return try CommandMessage(decoding: message)
        } catch {
            throw TerminalGone()
        }
    }

    private func collect(limit: Int, what: String) throws -> [UInt8] {
        var contents: [UInt8] = []
        while true {
            switch try receive() {
            case .input(let piece):
                if piece.isEmpty { return contents }
                // The other end was told the limit and says so itself; one that goes on is not ours.
                guard contents.count + piece.count <= limit else { throw TerminalGone() }
                contents += piece
            case .inputFailed(let reason): throw CommandError(.failure, "\(what): \(reason)")
            default: throw TerminalGone()
            }
        }
    }

    /// Cuts a text into messages, never within a character.
    private static func pieces(of text: String) -> [[UInt8]] {
        var rest = Array(text.utf8)[...]
        var pieces: [[UInt8]] = []
        while !rest.isEmpty {
            var count = min(rest.count, CommandMessage.pieceLimit)
            if count < rest.count {
                while rest[rest.startIndex + count] & 0xC0 == 0x80 { count -= 1 }
            }
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
