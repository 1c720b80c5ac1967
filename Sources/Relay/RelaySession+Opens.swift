import Authorization
import Control
import SSH
import Support

/// A channel that the client wants and the host has not opened yet.
final class Opening {
    let message: IncomingMessage
    let opening: Channel.Opening
    /// Under way at the host.
    var attempt: Attempt?
    /// The client's channel, where it was taken before the host had one: to tell the person why it takes a while.
    var waiting: WaitingLink?
    /// Connections on which the host has refused it.
    var refusals: [Upstream] = []
    /// Connections that ended before anything was opened on them.
    var losses = 0

    /// What the host was asked for on one connection.
    struct Attempt {
        let channel: Channel
        let upstream: Upstream
        /// How many packets there were when it was last asked about.
        var packetCount = UInt64.max
        /// When the host should have said something, and how many bytes it had said before.
        var patience: (until: MonotonicTime, receivedBytes: UInt64)

        /// Whether the connection is gone.
        var isOver: Bool { upstream.state != .ready }
    }

    init(_ message: IncomingMessage, _ opening: Channel.Opening) {
        self.message = message
        self.opening = opening
    }
}

extension RelaySession {
    /// Connections to the host at the most, and logins under way at a time: sshd refuses more (MaxStartups).
    private static let upstreamLimit = 128
    private static let loginLimit = 4
    /// Logins for one channel that the host ends before it opens anything.
    private static let lossLimit = 3

    /// Takes what the client asked for since the last time.
    func takeClientMessages() {
        while let message = client.nextMessage() {
            switch message.kind {
            case .openSession: openSession(message)
            case .openDirectTCP(let host, let port, let originator, let originatorPort):
                let opening = Channel.Opening.directTCP(
                    host: host, port: port, originator: originator, originatorPort: originatorPort)
                openDirectTCP(message, opening, host: host, port: port)
            case .openForwardedTCP, .openAgent, .openOther:
                refuse(message, "channel", rule.decide(.otherChannel).refusal ?? "")
            case .forward(let address, let port): takeForward(message, address: address, port: port)
            case .cancelForward: takeCancel(message)
            case .authentication, .service:
                // RFC 4252 section 5.1: ignored after a success.
                message.abandon()
            case .other: message.refuse()
            default:
                guard let identity = message.channelIdentity, let link = links[identity] else {
                    message.abandon()
                    continue
                }
                take(message, on: link)
            }
        }
    }

    /// Hands a request on a channel to its link, if it is permitted.
    private func take(_ message: IncomingMessage, on link: Link) {
        // What leads nowhere says why, whatever is started there.
        guard !(link is SentenceLink), let act = message.kind.act,
            let reason = rule.decide(act).refusal
        else { return link.take(message) }
        switch act {
        case .shell, .command, .subsystem:
            // Where a request fails, clients end before they show what was said.
            journal.append(.refused(what: act.program, reason: reason))
            message.acceptRequest()
            link.end(because: reason)
        case .terminal: refuse(message, "terminal", reason)
        default: message.refuse()
        }
    }

    func refuse(_ message: IncomingMessage, _ what: String, _ reason: String) {
        journal.append(.refused(what: what, reason: reason))
        message.refuse()
    }

    private var mayOpenAnother: Bool {
        links.count + openings.count + abandoned.count < Int(settings.maximumChannels)
    }

    private func openSession(_ message: IncomingMessage) {
        guard mayOpenAnother else { return refuse(message, "session", "too many channels on one connection") }
        if let reason = rule.decide(.session).refusal {
            journal.append(.refused(what: "session", reason: reason))
            return answerWithSentence(message, reason)
        }
        switch grant.target {
        case .host:
            let opening = Opening(message, .session)
            openings.append(opening)
            if duePreparationSentence != nil { takeEarly(opening) }
        case .gate:
            if let channel = message.acceptChannel(on: client) {
                add(CommandLink(client: channel, daemon: daemon))
            }
        case .book:
            if let channel = message.acceptChannel(on: client) {
                add(DeliveryLink(client: channel, daemon: daemon))
            }
        case .none: message.refuse()
        }
    }

    private func answerWithSentence(_ message: IncomingMessage, _ sentence: String) {
        if let channel = message.acceptChannel(on: client) {
            add(SentenceLink(client: channel, sentence: sentence))
        }
    }

    func add(_ link: Link) {
        links[link.client.identity] = link
    }

    private func openDirectTCP(
        _ message: IncomingMessage, _ opening: Channel.Opening, host: String, port: UInt16
    ) {
        let what = "direct-tcpip \(host.printable):\(port)"
        guard mayOpenAnother else { return refuse(message, what, "too many channels on one connection") }
        switch rule.decide(.connect(host: host, port: port)) {
        case .refused(let reason): refuse(message, what, reason)
        case .permitted: openings.append(Opening(message, opening))
        case .jumpOnly: askForJump(message, host: host, port: port, what: what)
        }
    }

    /// Asks the daemon to join a channel with a host; again and again while the host's instance is being started.
    private func askForJump(_ message: IncomingMessage, host: String, port: UInt16, what: String) {
        daemon.ask(.jump(host: host, port: UInt32(port))) { [weak self] answer in
            guard let self else { return }
            switch answer.reply {
            case .joined(let place):
                join(message, to: answer.descriptors.first, at: place, what: what)
            case .waking: askForJump(message, host: host, port: port, what: what)
            // A refused channel cannot carry the reason; the end of a connection that is for this jump alone can.
            case .disconnect(let reason):
                guard links.isEmpty, openings.isEmpty else { return message.refuse() }
                message.abandon()
                end(saying: reason)
            // The daemon has noted its own refusals and what it joined.
            case .refused where daemon.isAlive: message.refuse()
            case .refused(let reason): refuse(message, what, reason)
            default:
                refuse(message, what, "port \(port) is an SSH port: reach a host as user+host or with ssh -J")
            }
        }
    }

    private func join(
        _ message: IncomingMessage, to socket: Descriptor?, at place: String, what: String
    ) {
        guard let socket, let channel = message.acceptChannel(on: client) else {
            return refuse(message, what, "no connection came")
        }
        do {
            add(try SocketLink(client: channel, socket: socket, book: (journal, place)))
        } catch {
            channel.close()
        }
    }

    /// Goes on with the channels that wait for the host.
    func advanceOpenings() {
        guard !openings.isEmpty else { return }
        // Here, since nothing else may happen after which there would be another look.
        for opening in openings where opening.attempt?.isOver == true {
            if opening.attempt?.upstream.hasOpened == false { opening.losses += 1 }
            opening.attempt = nil
        }
        for opening in openings where opening.attempt == nil && opening.losses < Self.lossLimit {
            begin(opening)
        }
        let settled = openings.filter { advance($0) }
        openings.removeAll { opening in settled.contains { $0 === opening } }
    }

    /// Chooses a connection for it, asking for another one where all are full.
    func begin(_ opening: Opening) {
        let isSession = opening.opening == .session
        for upstream in upstreams where upstream.state == .ready {
            guard let transport = upstream.transport else { continue }
            if isSession, sessionCount(on: upstream) >= upstream.sessionLimit { continue }
            if opening.refusals.contains(where: { $0 === upstream }) { continue }
            guard let channel = try? transport.makeChannel() else { continue }
            opening.attempt = Opening.Attempt(
                channel: channel, upstream: upstream,
                patience: (.now + connectTimeout, transport.receivedBytes))
            return
        }
        // A stream needs any one connection, sessions may need several.
        let underWay = upstreams.filter { $0.state != .ready }.count
        let waiting = openings.filter { $0.attempt == nil && $0.opening == .session }.count
        let wanted = isSession ? min(Self.loginLimit, (waiting + 9) / 10) : 1
        if underWay < wanted, upstreams.count < Self.upstreamLimit { startUpstream() }
    }

    /// Asks for a connection to the host.
    func startUpstream() {
        guard
            let upstream = try? Upstream(
                daemon: daemon, rekeyBytes: settings.rekeyBytes, timeout: connectTimeout)
        else { return }
        upstream.onPreparation = { [weak self] in self?.notePreparation(on: $0) }
        upstream.onWaking = { [weak self] in self?.noteWaking($0) }
        upstream.onRemark = { [context] in context.remark = $0 }
        upstreams.append(upstream)
    }

    /// The account on the host is being made: whoever waits at a terminal is told.
    private func notePreparation(on host: String) {
        preparationSentence = "preparing your account on \(host) …"
        for opening in openings where opening.opening == .session && opening.waiting == nil {
            takeEarly(opening)
        }
    }

    /// The host's instance is being started: whoever waits is told how far that is.
    private func noteWaking(_ news: WakeNews) {
        for opening in openings where opening.opening == .session {
            if opening.waiting == nil { takeEarly(opening) }
            opening.waiting?.show(news)
        }
    }

    /// What is to be told, as long as a login at the host is under way.
    private var duePreparationSentence: String? {
        let isUnderWay = upstreams.contains { upstream in
            switch upstream.state {
            case .asking, .connecting, .loggingIn: true
            case .ready, .failed: false
            }
        }
        return isUnderWay ? preparationSentence : nil
    }

    /// Opens the client's channel before the host's.
    private func takeEarly(_ opening: Opening) {
        guard let channel = opening.message.acceptChannel(on: client) else { return }
        let link = WaitingLink(client: channel, mayForwardAgent: context.mayForwardAgent) { [weak self] in
            defer { self?.preparationSentence = nil }
            return self?.duePreparationSentence
        }
        opening.waiting = link
        add(link)
    }

    /// Hands a channel that was opened early over to another link, with what the client has asked for on it meanwhile.
    private func replace(_ waiting: WaitingLink, by link: Link) {
        waiting.clearProgress()
        add(link)
        for message in waiting.takeMessages() { link.take(message) }
    }

    private func sessionCount(on upstream: Upstream) -> Int {
        let open = links.values.reduce(0) { count, link in
            guard let link = link as? HostLink, link.isSession, link.hostTransport === upstream.transport
            else {
                return count
            }
            return count + 1
        }
        return open + openings.filter { $0.opening == .session && $0.attempt?.upstream === upstream }.count
    }

    /// Goes on with one opening.
    ///
    /// - Returns: whether it is settled.
    private func advance(_ opening: Opening) -> Bool {
        if opening.losses >= Self.lossLimit {
            refuseForGood(opening, "the host ends each connection after the login")
            return true
        }
        guard let attempt = opening.attempt else { return settleIfHostless(opening) }
        guard let transport = attempt.upstream.transport, !attempt.isOver else { return false }
        // Only a packet can have answered it.
        if attempt.packetCount == transport.packetCount { return isGivenUp(opening, attempt, transport) }
        switch attempt.channel.open(opening.opening) {
        case .again:
            opening.attempt?.packetCount = transport.packetCount
            return false
        case .done:
            attempt.upstream.refusalCount = 0
            attempt.upstream.hasOpened = true
            accept(opening, attempt.channel)
            return true
        case .refused:
            return retryOrRefuse(opening, attempt.upstream, transport)
        }
    }

    private func refuseForGood(_ opening: Opening, _ reason: String) {
        if opening.opening == .session {
            refuseSession(opening, reason)
        } else {
            refuse(opening.message, opening.opening.text, reason)
        }
    }

    /// Tells who waits for a session that there is none, and why.
    func refuseSession(_ opening: Opening, _ reason: String) {
        journal.append(.refused(what: "session", reason: reason))
        if let waiting = opening.waiting {
            replace(waiting, by: SentenceLink(client: waiting.client, sentence: reason))
        } else {
            answerWithSentence(opening.message, reason)
        }
    }

    /// Ends an opening when the host cannot be had.
    private func settleIfHostless(_ opening: Opening) -> Bool {
        guard let failed = upstreams.first(where: { if case .failed = $0.state { true } else { false } }),
            case .failed(let reason) = failed.state
        else { return false }
        let hasHope = upstreams.contains { upstream in
            switch upstream.state {
            case .asking, .connecting, .loggingIn: true
            case .ready: opening.opening != .session
            case .failed: false
            }
        }
        if hasHope { return false }
        refuseForGood(opening, reason)
        // The next channel tries again.
        if !openings.contains(where: { $0 !== opening && $0.attempt == nil }) {
            upstreams.removeAll { $0 === failed }
        }
        return true
    }

    private func accept(_ opening: Opening, _ host: Channel) {
        if let waiting = opening.waiting {
            guard !waiting.client.isClosed else { return host.close() }
            let link = HostLink(client: waiting.client, host: host, kind: .session, context: context)
            return replace(waiting, by: link)
        }
        guard let channel = opening.message.acceptChannel(on: client) else { return host.close() }
        let isSession = opening.opening == .session
        if !isSession {
            journal.append(.channelOpened(kind: opening.opening.kind, detail: opening.opening.detail))
        }
        add(HostLink(client: channel, host: host, kind: isSession ? .session : .stream, context: context))
    }

    /// A host that refuses a session has its fill on this connection: another one may take it.
    ///
    /// Only a host that goes on refusing allows fewer than was thought: sshd counts a session that has just been closed until
    /// its loop has turned.
    private func retryOrRefuse(_ opening: Opening, _ upstream: Upstream, _ transport: ClientTransport) -> Bool
    {
        let reason = transport.errorText
        let others = sessionCount(on: upstream) - 1
        if opening.opening == .session, others > 0 {
            upstream.refusalCount += 1
            if upstream.refusalCount >= 3 { upstream.sessionLimit = min(upstream.sessionLimit, others) }
            opening.attempt = nil
            opening.refusals.append(upstream)
            return false
        }
        if let waiting = opening.waiting {
            journal.append(.refused(what: "session", reason: reason))
            replace(waiting, by: SentenceLink(client: waiting.client, sentence: reason))
        } else {
            refuse(opening.message, opening.opening.text, reason)
        }
        return true
    }
}
