import Control
import FileTransfers
import SSH
import Support

/// A client's channel joined to a channel of the host.
final class HostLink: Link {
    /// What kind of channel it is.
    enum Kind {
        /// A session: requests are relayed, and data of the client waits until a program runs.
        case session
        /// A byte stream: forwarded connections and the agent.
        case stream
    }

    private let kind: Kind
    private let host: Channel
    private let context: LinkContext

    /// Requests in the order the client made them; the first one is under way at the host.
    private var requests: [(request: Channel.Request, message: IncomingMessage?)] = []
    private var packetsAtLastTry: UInt64?
    private static let requestLimit = 256

    private var program: String?
    private var programRuns: Bool
    private var hasTerminal = false
    private var reportedExit = false
    private var closeDeadline: MonotonicTime?
    /// The terminal as the client last described it.
    private var terminal: IncomingMessage.Terminal?
    private let recording: ChannelRecording
    /// How long the client has to take why it ends.
    private var sentenceDeadline: MonotonicTime?
    private var follower: TransferFollower?

    private var upward = RelayedStream(.standard)
    private var downward = RelayedStream(.standard)
    private var downwardError = RelayedStream(.error)

    init(client: Channel, host: Channel, kind: Kind, context: LinkContext) {
        self.host = host
        self.kind = kind
        self.context = context
        programRuns = kind == .stream
        recording = ChannelRecording(context: context)
        if kind == .session, context.mayForwardAgent { client.allowAgentRequest() }
        super.init(client: client)
        if kind == .session { tapStreams() }
    }

    private func tapStreams() {
        // Not of the link: it would keep itself.
        let (recording, follower) = (recording, follower)
        upward.tap = {
            recording.note(.input, $0)
            return follower?.take($0, from: .client) ?? true
        }
        downward.tap = {
            recording.note(.output, $0)
            return follower?.take($0, from: .host) ?? true
        }
        downward.drain = { _ = follower?.take($0, from: .host) }
        downwardError.tap = {
            recording.note(.error, $0)
            return true
        }
    }

    override var traffic: (fromClient: UInt64, toClient: UInt64) {
        (upward.byteCount, downward.byteCount + downwardError.byteCount)
    }

    /// Whether it counts against the host's MaxSessions.
    var isSession: Bool { kind == .session }

    /// The host's connection that this channel belongs to.
    var hostTransport: Transport { host.transport }

    /// Equals `IncomingMessage.channelIdentity` of the host's requests on its channel.
    var hostIdentity: UInt { host.identity }

    override func take(_ message: IncomingMessage) {
        guard kind == .session, requests.count < Self.requestLimit, !host.isClosed else {
            return message.refuse()
        }
        // The callback came before this message: the host must know of the agent before it starts a program.
        takeAgentRequest()
        switch message.kind {
        case .pseudoTerminal(let terminal):
            hasTerminal = true
            self.terminal = terminal
            queue(.pseudoTerminal(terminal), message)
        case .windowChange(let columns, let rows):
            terminal?.columns = columns
            terminal?.rows = rows
            recording.noteSize(columns: columns, rows: rows)
            queue(.windowChange(columns: columns, rows: rows), message)
        case .environment(let name, let value):
            queue(.environment(name: name, value: value), message)
        case .shell:
            queue(.shell, message)
        case .exec(let command):
            queue(.exec(command), message)
        case .subsystem(let name):
            queue(.subsystem(name), message)
        case .otherChannelRequest:
            message.refuse()
            // Without a terminal, the one nameless request of OpenSSH's client is eow@openssh.com: it wants no more output.
            if context.clientIsOpenSSH, !hasTerminal, programRuns { host.close() }
        default:
            message.refuse()
        }
    }

    private func queue(_ request: Channel.Request, _ message: IncomingMessage?) {
        requests.append((request, message))
    }

    override func advance(through buffer: inout [UInt8], now: MonotonicTime) -> Bool {
        takeNotes()
        advanceRequests()
        recording.advance()
        if case .failed(let sentence) = recording.state {
            endWhenHeard(sentence, now: now)
            return false
        }
        if let failure = follower?.failure, follower?.mustSeeAll == true {
            endWhenHeard("this session is over: its files must be noted, and \(failure)", now: now)
            return false
        }
        let more = recording.hasRoom && moveBytes(through: &buffer)
        recording.advance()
        passOnEnds(now: now)
        if isOver { recording.close(now: now) }
        return more
    }

    /// Stops the program at once, and ends when the client takes the sentence: output may have filled its window.
    private func endWhenHeard(_ sentence: String, now: MonotonicTime) {
        host.close()
        let deadline = sentenceDeadline ?? now + SocketLink.closePatience
        sentenceDeadline = deadline
        let isHeard = client.window > 2 * sentence.utf8.count && client.transport.hasRoom
        if isHeard || client.isClosedByPeer || now >= deadline { end(because: sentence) }
    }

    private func moveBytes(through buffer: inout [UInt8]) -> Bool {
        var more = false
        if programRuns { more = upward.move(from: client, to: host, through: &buffer) }
        more = downward.move(from: host, to: client, through: &buffer) || more
        return downwardError.move(from: host, to: client, through: &buffer) || more
    }

    /// Turns what the callbacks noted on the client's channel into requests.
    private func takeNotes() {
        if context.maySignal {
            for signal in client.receivedSignals { queue(.signal(signal), nil) }
        }
        client.receivedSignals = []
        takeAgentRequest()
    }

    private func takeAgentRequest() {
        guard client.agentWasRequested else { return }
        client.agentWasRequested = false
        context.noteAgentRequest()
        queue(.agent, nil)
    }

    private func advanceRequests() {
        while let (request, message) = requests.first, !host.isClosed {
            // A pending request can only have been answered by a packet.
            if packetsAtLastTry == host.transport.packetCount { return }
            guard hasRecording(for: request) else { return }
            let progress = host.request(request)
            if progress == .again {
                packetsAtLastTry = host.transport.packetCount
                return
            }
            packetsAtLastTry = nil
            requests.removeFirst()
            settle(request, message, agreed: progress == .done)
        }
    }

    /// Whether a request may go to the host: one that starts a program has its recording first, where it is to have one.
    private func hasRecording(for request: Channel.Request) -> Bool {
        let program: (kind: String, words: [UInt8])
        switch request {
        case .shell: program = ("shell", [])
        case .exec(let command): program = ("exec", command)
        case .subsystem(let name): program = ("subsystem", name)
        default: return true
        }
        let size = hasTerminal ? terminal : nil
        return recording.prepare(
            RecordingRequest(
                kind: program.kind, command: Self.text(program.words),
                terminal: Self.text(size?.name ?? []), hasTerminal: hasTerminal,
                columns: UInt32(clamping: size?.columns ?? 0), rows: UInt32(clamping: size?.rows ?? 0)))
    }

    /// As the event log and recordings hold it.
    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(4_096), as: UTF8.self)
    }

    private func settle(_ request: Channel.Request, _ message: IncomingMessage?, agreed: Bool) {
        guard agreed, !client.isClosed else {
            message?.refuse()
            return
        }
        message?.acceptRequest()
        follow(request)
        switch request {
        case .shell: start("shell", detail: "")
        case .exec(let command): start("exec", detail: Self.text(command))
        case .subsystem(let name): start("subsystem", detail: String(decoding: name, as: UTF8.self))
        default: break
        }
    }

    /// Has the program's transfers noted, if it is one that makes them.
    private func follow(_ request: Channel.Request) {
        guard let made = TransferFollower(request, context: context) else { return }
        follower = made
        tapStreams()
    }

    private func start(_ kind: String, detail: String) {
        program = kind
        programRuns = true
        if !context.remark.isEmpty {
            client.explain(context.remark)
            context.remark = ""
        }
        if let warning = context.warning { warn(warning) }
        // sshd does so for the whole connection once a program has a terminal (packet.c, ssh_packet_set_interactive).
        if hasTerminal { host.transport.peerSendsAtOnce = true }
        context.journal.append(.channelOpened(kind: kind, detail: detail))
    }

    /// Passes on the ends of streams, the program's exit, and closes.
    private func passOnEnds(now: MonotonicTime) {
        let upwardIsDrained = upward.isDrained(from: client)
        if client.hasEnded, upwardIsDrained, programRuns { host.sendEnd() }

        reportExit()
        let downwardIsDrained = downward.isDrained(from: host) && downwardError.isDrained(from: host)
        if host.hasEnded, downwardIsDrained { client.sendEnd() }
        if host.isClosedByPeer, downwardIsDrained { closeClient() }

        guard client.isClosedByPeer, !host.isClosed else { return }
        // The client wants nothing more; what it had sent is still delivered, if the host takes it in time.
        let deadline = closeDeadline ?? now + SocketLink.closePatience
        closeDeadline = deadline
        // The client's channel stays until the host has closed too: sshd tells how the program ended just before that.
        if upwardIsDrained || !programRuns || now >= deadline { host.close() }
    }

    private func closeClient() {
        for (_, message) in requests { message?.abandon() }
        requests = []
        client.close()
        host.close()
    }

    private func reportExit() {
        guard !reportedExit, !client.isClosed else { return }
        if let status = host.exitStatus {
            client.sendExitStatus(status)
            recording.noteExit(String(status))
            context.journal.append(.programEnded(kind: program ?? "", status: status, signal: nil))
        } else if let signal = host.exitSignal {
            client.sendExitSignal(signal)
            let name = String(decoding: signal.name, as: UTF8.self)
            recording.noteExit("SIG\(name)")
            context.journal.append(.programEnded(kind: program ?? "", status: nil, signal: name))
        } else {
            return
        }
        reportedExit = true
    }

    override func register(with poller: inout Poller) {
        if let closeDeadline, !host.isClosed { poller.limit(to: closeDeadline) }
        if let sentenceDeadline, !client.isClosed { poller.limit(to: sentenceDeadline) }
        recording.register(with: &poller)
    }

    override func warn(_ sentence: String) {
        // Elsewhere a program may read it.
        if hasTerminal, programRuns, !client.isClosed { client.explain(sentence) }
    }

    override func end(because sentence: String) {
        if kind == .session, !client.isClosed {
            answerRequests()
            client.explain(sentence)
            if !reportedExit { client.sendExitStatus(255) }
            reportedExit = true
        }
        closeClient()
    }

    /// Answers what the client still waits for: some clients take in nothing of a channel before they know whether their program runs.
    ///
    /// One that was asked for counts as one that ran and failed.
    private func answerRequests() {
        guard !client.isClosedByPeer else { return }
        for (request, message) in requests {
            switch request {
            case .shell, .exec, .subsystem: message?.acceptRequest()
            default: message?.refuse()
            }
        }
        requests = []
    }

    override func noteEnd() {
        follower?.end(with: host)
        recording.finish()
    }

    override var isFinished: Bool { isOver && recording.isClosed }

    private var isOver: Bool {
        super.isFinished && (host.isClosedByPeer || host.transport.isClosed)
    }
}
