import Support

/// What of a session is recorded; a part of its grant.
package struct RecordingDemand: Equatable, Sendable {
    /// Programs that have a terminal.
    package var terminals: Bool
    /// Programs without one: what they say on their two streams.
    package var programs: Bool
    /// What the client sends, which holds passwords.
    package var input: Bool
    /// Nothing may run without its recording.
    package var isRequired: Bool

    package init(
        terminals: Bool = false, programs: Bool = false, input: Bool = false, isRequired: Bool = false
    ) {
        self.terminals = terminals
        self.programs = programs
        self.input = input
        self.isRequired = isRequired
    }

    /// Nothing is recorded.
    package static let none = RecordingDemand()

    /// Whether a program is recorded.
    ///
    /// The subsystem `sftp` is one like others where nothing may run unrecorded: a host's sshd may start it by the user's shell, whose
    /// startup files are the user's and can make any program of it. Elsewhere it is spared: what it says fills recordings and shows nothing.
    package func covers(hasTerminal: Bool, subsystem: String?) -> Bool {
        if hasTerminal { return terminals }
        return programs && (isRequired || subsystem != "sftp")
    }
}

/// A program that is about to start and wants its recording.
package struct RecordingRequest: Equatable, Sendable {
    /// Bytes of a command or a terminal's type: 4,096, each of which may have become a replacement.
    package static let textLimit = 3 * 4_096

    /// `shell`, `exec` or `subsystem`.
    package var kind: String
    /// What is run: the words of an exec, the name of a subsystem; `textLimit` bytes at the most.
    package var command: String
    /// The terminal's type; empty: there is no terminal.
    package var terminal: String
    package var hasTerminal: Bool
    /// The terminal's size in characters; 0: not known.
    package var columns: UInt32
    package var rows: UInt32

    package init(
        kind: String, command: String, terminal: String = "", hasTerminal: Bool = false, columns: UInt32 = 0,
        rows: UInt32 = 0
    ) {
        self.kind = kind
        self.command = command
        self.terminal = terminal
        self.hasTerminal = hasTerminal
        self.columns = columns
        self.rows = rows
    }
}

extension RecordingDemand {
    func encode(into out: inout WireWriter) {
        for flag in [terminals, programs, input, isRequired] { out.boolean(flag) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            terminals: try reader.boolean(), programs: try reader.boolean(), input: try reader.boolean(),
            isRequired: try reader.boolean())
    }
}

extension RecordingRequest {
    func encode(into out: inout WireWriter) {
        out.string(kind)
        out.string(command)
        out.string(terminal)
        out.boolean(hasTerminal)
        out.uint32(columns)
        out.uint32(rows)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            kind: try reader.string(), command: try reader.string(), terminal: try reader.string(),
            hasTerminal: try reader.boolean(), columns: try reader.uint32(), rows: try reader.uint32())
        guard ["shell", "exec", "subsystem"].contains(kind), command.utf8.count <= Self.textLimit,
            terminal.utf8.count <= Self.textLimit
        else { throw WireError("what is to be recorded is no program") }
    }
}
