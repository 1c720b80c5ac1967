package import Support

/// Between whoever runs a command (the daemon) and whoever stands at the terminal (`gatehouse`, or a session on the target
/// `gate`): one message each on a `MessageSocket`.
///
/// The terminal's side opens with `start`. The daemon then sends output and questions, each question is answered by one message,
/// and `exit` is the last.
package enum CommandMessage: Equatable, Sendable {
    /// No piece of output or input in one message is longer, in bytes.
    package static let pieceLimit = 64 * 1024

    /// Terminal → daemon: run these words.
    ///
    /// - interactive: a person can be asked.
    /// - columns: width of the terminal on standard output, 0 if that is not a terminal.
    case start(words: [String], interactive: Bool, columns: UInt32)

    /// Daemon → terminal: bytes for standard output.
    case output([UInt8])

    /// Daemon → terminal: bytes for standard error.
    case error([UInt8])

    /// Daemon → terminal: the command has ended with this status.
    case exit(UInt8)

    /// Daemon → terminal: send all of standard input, `limit` bytes at most.
    case wantInput(limit: UInt32)

    /// Daemon → terminal: send the contents of the file that the command line named, `limit` bytes at most.
    case wantFile(path: String, limit: UInt32)

    /// Daemon → terminal: ask the person this question and send the line typed.
    case ask(question: String)

    /// Daemon → terminal: from now on send what is typed, as it is typed, and show output as it is.
    case wantKeys

    /// Terminal → daemon: what was typed.
    case keys([UInt8])

    /// Terminal → daemon: a piece of what was wanted; an empty piece is the end.
    case input([UInt8])

    /// Terminal → daemon: what was wanted cannot be had.
    case inputFailed(reason: String)
}

extension CommandMessage {
    private enum Kind: UInt8 {
        case start = 1
        case output, error, exit, wantInput, wantFile, ask, input, inputFailed, wantKeys, keys
    }

    /// The message to send.
    package var encoded: [UInt8] {
        var out = WireWriter()
        switch self {
        case .start(let words, let interactive, let columns):
            out.byte(Kind.start.rawValue)
            out.strings(words)
            out.boolean(interactive)
            out.uint32(columns)
        case .output(let bytes):
            out.byte(Kind.output.rawValue)
            out.data(bytes)
        case .error(let bytes):
            out.byte(Kind.error.rawValue)
            out.data(bytes)
        case .exit(let status):
            out.byte(Kind.exit.rawValue)
            out.byte(status)
        case .wantInput(let limit):
            out.byte(Kind.wantInput.rawValue)
            out.uint32(limit)
        case .wantFile(let path, let limit):
            out.byte(Kind.wantFile.rawValue)
            out.string(path)
            out.uint32(limit)
        case .ask(let question):
            out.byte(Kind.ask.rawValue)
            out.string(question)
        case .input(let bytes):
            out.byte(Kind.input.rawValue)
            out.data(bytes)
        case .inputFailed(let reason):
            out.byte(Kind.inputFailed.rawValue)
            out.string(reason)
        case .wantKeys:
            out.byte(Kind.wantKeys.rawValue)
        case .keys(let bytes):
            out.byte(Kind.keys.rawValue)
            out.data(bytes)
        }
        return out.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: `WireError` for anything but a well-formed message.
    package init(decoding message: [UInt8]) throws(WireError) {
        var input = WireReader(message)
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no command message \(type)") }
        switch kind {
        case .start:
            self = .start(
                words: try input.strings(), interactive: try input.boolean(), columns: try input.uint32())
        case .output: self = .output(try input.data())
        case .error: self = .error(try input.data())
        case .exit: self = .exit(try input.byte())
        case .wantInput: self = .wantInput(limit: try input.uint32())
        case .wantFile: self = .wantFile(path: try input.string(), limit: try input.uint32())
        case .ask: self = .ask(question: try input.string())
        case .input: self = .input(try input.data())
        case .inputFailed: self = .inputFailed(reason: try input.string())
        case .wantKeys: self = .wantKeys
        case .keys: self = .keys(try input.data())
        }
        try input.finish()
    }
}
