import Authorization
import CSupport
import Control
import SSH
import Support

/// One logged-in client: its connection, its logins at the host, and the links between their channels.
///
/// One thread, one loop: wait, read what came, take messages, move what can be moved. Nothing in it waits for one peer alone.
final class RelaySession {
    let client: ServerTransport
    let daemon: DaemonLink
    let settings: ConnectionSettings
    let grant: SessionGrant
    let journal: Journal
    let context: LinkContext
    /// Decides about every channel and request.
    let rule: SessionRule
    private let terminationSignal: Descriptor
    private let warningSignal: Descriptor

    var upstreams: [Upstream] = []
    var links: [UInt: Link] = [:]
    var openings: [Opening] = []
    /// What was asked of hosts that did not answer in time, and may yet.
    var abandoned: [Opening.Attempt] = []
    var hostOpenings: [HostOpening] = []
    var forwards = ForwardTable()
    /// What a person is told while the account on the host is being made; nil: nothing, or they have been told.
    var preparationSentence: String?

    /// Why ports of a lost host lead here no more. The client believes that they do, so it is sent away once nothing else goes on.
    private var forwardsEnd: String?

    private var finishedTraffic: (fromClient: UInt64, toClient: UInt64) = (0, 0)
    private var recordedTraffic: (fromClient: UInt64, toClient: UInt64) = (0, 0)
    private var trafficIsDue: MonotonicTime?
    // Untouched until bytes pass: an idle session does not pay for its pages.
    private var buffer = unsafe [UInt8](unsafeUninitializedCapacity: RelayedStream.batchSize) {
        $1 = RelayedStream.batchSize
    }
    private var hasMoreToMove = false
    private var turns = 0
    private var unacknowledged: [(transport: Transport, sentBytes: UInt64)] = []

    /// Why the session is over, once it is.
    private var ending: String?
    /// What the client hears of that; nil: nothing.
    private var farewell: String?

    init(
        client: ServerTransport, daemon: DaemonLink, settings: ConnectionSettings, grant: SessionGrant,
        journal: Journal, terminationSignal: Descriptor, warningSignal: Descriptor
    ) {
        self.client = client
        self.daemon = daemon
        self.settings = settings
        self.grant = grant
        self.journal = journal
        self.terminationSignal = terminationSignal
        self.warningSignal = warningSignal
        rule = grant.rule
        context = LinkContext(
            grant: grant, journal: journal, daemon: daemon, clientIsOpenSSH: client.clientIsOpenSSH)
        journal.onGrowth = { [daemon] in daemon.noteJournalGrowth() }
    }

    /// Runs until the client or an administrator ends the session, and records its end.
    func run() {
        while ending == nil {
            takeClientMessages()
            takeHostMessages()
            advanceOpenings()
            advanceAbandoned()
            advanceHostOpenings()
            advanceForwards()
            let received = receivedBytes
            moveBytes()
            recordTraffic()
            // Packets that came in while writing have not been looked at yet.
            if receivedBytes != received { hasMoreToMove = true }
            if client.isClosed { end("the client disconnected") }
            if let forwardsEnd, links.isEmpty, openings.isEmpty { end(saying: forwardsEnd) }
            if journal.hasFailed { end("the session's journal cannot be written") }
            if ending == nil { wait() }
        }
        finish()
    }

    private func end(_ reason: String) {
        ending = ending ?? reason
    }

    /// Ends the session and has the client tell its user why.
    func end(saying sentence: String) {
        farewell = sentence
        end(sentence)
    }

    private var receivedBytes: UInt64 {
        upstreams.reduce(client.receivedBytes) { $0 + ($1.transport?.receivedBytes ?? 0) }
    }

    /// Waits for whatever comes next and reads it.
    private func wait() {
        // What came has been passed on first: an acknowledgement is a packet of its own and costs time.
        for (transport, sentBytes) in unacknowledged where transport.sentBytes == sentBytes {
            transport.acknowledgeQuickly()
        }
        unacknowledged.removeAll(keepingCapacity: true)

        var poller = Poller()
        let clientIndex = poller.add(client.descriptor, writing: client.wantsToWrite)
        let signalIndex = poller.add(terminationSignal)
        let warningIndex = poller.add(warningSignal)
        let daemonIndex = daemon.isAlive ? poller.add(daemon.descriptor) : nil
        let waiting = upstreams.map { $0.register(with: &poller) }
        for link in links.values { link.register(with: &poller) }
        if let trafficIsDue { poller.limit(to: trafficIsDue) }
        if let openingDeadline { poller.limit(to: openingDeadline) }

        if hasMoreToMove { poller.check() } else { poller.wait() }
        hasMoreToMove = false

        // The client likewise, while it sets up its session.
        turns += 1
        if turns % 32 == 1 { Watchdog.feed() }
        if turns <= 64 { client.acknowledgeQuickly() }

        if poller.isReady(clientIndex), !client.process() { end("the client disconnected") }
        for (upstream, index) in zip(upstreams, waiting) {
            guard let index else { continue }
            read(upstream, isReady: poller.isReady(index))
        }
        if let daemonIndex, poller.isReady(daemonIndex) { daemon.receive() }
        if poller.isReady(warningIndex) { warn() }
        if poller.isReady(signalIndex) { terminate() }
    }

    private func read(_ upstream: Upstream, isReady: Bool) {
        switch upstream.state {
        case .connecting, .loggingIn:
            upstream.advance()
        case .ready:
            guard isReady, let transport = upstream.transport else { return }
            let before = transport.receivedBytes
            if !transport.process() { return lose(upstream) }
            // sshd leaves Nagle's algorithm on without a terminal: what it says next waits for an acknowledgement. Bulk
            // data is acknowledged by the kernel's own rules.
            if transport.receivedBytes - before < 4_096, !transport.peerSendsAtOnce {
                unacknowledged.append((transport, transport.sentBytes))
            }
        case .asking, .failed: break
        }
    }

    /// How long a host may take to answer.
    var connectTimeout: Duration { .seconds(Int64(settings.connectTimeoutSeconds)) }

    /// Ends what went through a host's connection that is gone.
    func lose(_ upstream: Upstream) {
        guard let lost = upstream.transport else { return }
        // What the host sent before it went is still passed on.
        moveBytes()
        upstream.noteLoss()
        for case let link as HostLink in links.values where link.hostTransport === lost {
            link.end(because: "the connection to \(upstream.host) was lost")
        }
        hostOpenings.removeAll { $0.host === lost }
        if forwards.forget(lost) {
            forwardsEnd =
                "the connection to \(upstream.host) was lost, and the ports that were forwarded there"
        }
        upstreams.removeAll { $0 === upstream }
        // The next host may be another one, where nobody has asked for it yet.
        if !upstreams.contains(where: { $0.state == .ready }) { context.forgetAgentRequest() }
    }

    private func moveBytes() {
        let now = MonotonicTime.now
        for (identity, link) in links {
            if link.advance(through: &buffer, now: now) { hasMoreToMove = true }
            if link.isFinished {
                finishedTraffic.fromClient += link.traffic.fromClient
                finishedTraffic.toClient += link.traffic.toClient
                link.noteEnd()
                links[identity] = nil
            }
        }
    }

    /// Notes the bytes so far in the journal, every half minute while they grow.
    private func recordTraffic() {
        let traffic = self.traffic
        guard traffic != recordedTraffic else { return }
        let now = MonotonicTime.now
        guard let due = trafficIsDue else {
            trafficIsDue = now + .seconds(30)
            return
        }
        guard now >= due else { return }
        trafficIsDue = nil
        recordedTraffic = traffic
        journal.append(.traffic(fromClient: traffic.fromClient, toClient: traffic.toClient))
    }

    private var traffic: (fromClient: UInt64, toClient: UInt64) {
        links.values.reduce(finishedTraffic) {
            let traffic = $1.traffic
            return ($0.fromClient + traffic.fromClient, $0.toClient + traffic.toClient)
        }
    }

    /// Tells whoever sits at a terminal that what permits this session is about to end; whose program starts later, then.
    private func warn() {
        let notice = EndNotice(rawValue: gh_signal_value(warningSignal.number))
        context.warning = notice == .near ? EndNotice.sentence : nil
        guard let warning = context.warning else { return }
        for link in links.values { link.warn(warning) }
    }

    /// Tells every program's user why the session is ended.
    private func terminate() {
        let cause = EndCause(rawValue: gh_signal_value(terminationSignal.number)) ?? .administrator
        for link in links.values { link.end(because: cause.sentence) }
        let deadline = MonotonicTime.now + .seconds(1)
        while client.wantsToWrite, !client.isClosed, MonotonicTime.now < deadline {
            var poller = Poller()
            poller.add(client.descriptor, reading: false, writing: true)
            poller.limit(to: deadline)
            poller.wait()
            _ = client.process()
        }
        end(cause.reason)
    }

    private func finish() {
        let traffic = self.traffic
        for link in links.values { link.noteEnd() }
        journal.append(.traffic(fromClient: traffic.fromClient, toClient: traffic.toClient))
        journal.append(.ended(reason: ending ?? ""))
        openings = []
        abandoned = []
        hostOpenings = []
        forwards = ForwardTable()
        links = [:]
        for upstream in upstreams { upstream.disconnect() }
        // libssh sends at once only what it knows the socket to take: it looks there first.
        if farewell != nil { _ = client.process() }
        client.disconnect(saying: farewell)
    }
}
