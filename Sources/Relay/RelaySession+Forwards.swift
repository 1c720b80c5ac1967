import Authorization
import Control
import SSH
import Support

/// A channel that the host wants and the client has not opened yet.
final class HostOpening {
    let message: IncomingMessage
    let host: ClientTransport
    let channel: Channel
    let opening: Channel.Opening
    var packetCount = UInt64.max

    init(
        _ message: IncomingMessage, from host: ClientTransport, _ channel: Channel, _ opening: Channel.Opening
    ) {
        self.message = message
        self.host = host
        self.channel = channel
        self.opening = opening
    }
}

/// Ports on which the host listens for the client, and requests to begin or end that.
struct ForwardTable {
    /// One request of the client; answered in order, one at a time at the host.
    struct Request {
        var message: IncomingMessage
        var address: String
        var port: UInt16
        var isCancel: Bool
        /// Other ports that may be tried, where the client leaves the choice to the other side.
        var choices = 0

        /// A port as the kernel would choose one.
        static var anyPort: UInt16 { .random(in: 32_768...60_999) }
    }

    /// Where the host listens, by its connection.
    struct Listener: Equatable {
        var address: String
        var port: UInt16
        var transport: ObjectIdentifier
    }

    var requests: [Request] = []
    var listeners: [Listener] = []
    var packetsAtLastTry: UInt64?

    /// - Returns: whether the host listened on that connection.
    mutating func forget(_ transport: ClientTransport) -> Bool {
        let count = listeners.count
        listeners.removeAll { $0.transport == ObjectIdentifier(transport) }
        packetsAtLastTry = nil
        return listeners.count < count
    }
}

extension RelaySession {
    private static let listenerLimit = 128

    /// Takes a request to listen on the host.
    func takeForward(_ message: IncomingMessage, address: String, port: UInt16) {
        let what = "tcpip-forward \(address.printable):\(port)"
        if let reason = rule.decide(.listen).refusal { return refuse(message, what, reason) }
        guard forwards.listeners.count + forwards.requests.count < Self.listenerLimit else {
            return refuse(message, what, "too many forwards on one connection")
        }
        var request = ForwardTable.Request(message: message, address: address, port: port, isCancel: false)
        if port == 0 {
            // Not left to the host: libssh reads its choice from whichever packet came last.
            request.port = ForwardTable.Request.anyPort
            request.choices = 10
        }
        forwards.requests.append(request)
    }

    /// Takes a request to listen no more.
    func takeCancel(_ message: IncomingMessage) {
        guard rule.decide(.stopListening) == .permitted,
            case .cancelForward(let address, let port) = message.kind,
            forwards.listeners.contains(where: { $0.address == address && $0.port == port }),
            forwards.requests.count < Self.listenerLimit
        else { return message.refuse() }
        forwards.requests.append(.init(message: message, address: address, port: port, isCancel: true))
    }

    /// Goes on with the first request.
    func advanceForwards() {
        while let request = forwards.requests.first {
            guard let upstream = upstreamForForwards() else { return }
            guard let transport = upstream.transport, upstream.state == .ready else {
                if case .failed(let reason) = upstream.state {
                    forwards.requests.removeFirst()
                    refuse(request.message, "tcpip-forward", reason)
                    upstreams.removeAll { $0 === upstream }
                    continue
                }
                return
            }
            if forwards.packetsAtLastTry == transport.packetCount { return }
            let progress =
                request.isCancel
                ? transport.stopListening(address: request.address, port: request.port)
                : transport.listen(address: request.address, port: request.port)
            if progress == .again {
                forwards.packetsAtLastTry = transport.packetCount
                return
            }
            forwards.packetsAtLastTry = nil
            if progress == .refused, request.choices > 0 {
                forwards.requests[0].port = ForwardTable.Request.anyPort
                forwards.requests[0].choices -= 1
                continue
            }
            forwards.requests.removeFirst()
            settle(request, on: transport, agreed: progress == .done)
        }
    }

    /// All forwards live on the first connection.
    private func upstreamForForwards() -> Upstream? {
        if upstreams.isEmpty { startUpstream() }
        return upstreams.first
    }

    private func settle(
        _ request: ForwardTable.Request, on transport: ClientTransport, agreed: Bool
    ) {
        let what = "\(request.address.printable):\(request.port)"
        let listener = ForwardTable.Listener(
            address: request.address, port: request.port, transport: ObjectIdentifier(transport))
        guard agreed else {
            return refuse(request.message, "tcpip-forward \(what)", "the host refused it")
        }
        if request.isCancel {
            forwards.listeners.removeAll { $0 == listener }
        } else {
            forwards.listeners.append(listener)
            journal.append(.channelOpened(kind: "tcpip-forward", detail: what))
        }
        request.message.acceptForward(boundPort: request.port)
    }

    /// Takes what the host asked for since the last time.
    func takeHostMessages() {
        for upstream in upstreams where upstream.state == .ready {
            guard let transport = upstream.transport else { continue }
            while let message = transport.nextMessage() { take(message, from: transport) }
        }
    }

    private func take(_ message: IncomingMessage, from transport: ClientTransport) {
        switch message.kind {
        case .openForwardedTCP(let host, let port, let originator, let originatorPort):
            let isListening = forwards.listeners.contains {
                $0.port == port && $0.transport == ObjectIdentifier(transport)
            }
            openAtClient(
                message, from: transport,
                .forwardedTCP(host: host, port: port, originator: originator, originatorPort: originatorPort),
                if: rule.decide(.forwarded(isListening: isListening)))
        case .openAgent:
            openAtClient(
                message, from: transport, .agent, if: rule.decide(.agent(isOffered: context.agentIsWanted)))
        case .openOther, .openSession, .openDirectTCP:
            refuse(message, "channel of the host", rule.decide(.otherChannelOfHost).refusal ?? "")
        default:
            // libssh's message points to its channel, which may be gone: data that was written has read packets too.
            guard let identity = message.channelIdentity, !isHostChannel(identity) else {
                return message.refuse()
            }
            message.abandon()
        }
    }

    private func isHostChannel(_ identity: UInt) -> Bool {
        links.values.contains { ($0 as? HostLink)?.hostIdentity == identity }
    }

    private func openAtClient(
        _ message: IncomingMessage, from transport: ClientTransport, _ opening: Channel.Opening,
        if ruling: Ruling
    ) {
        if let reason = ruling.refusal { return refuse(message, "channel of the host", reason) }
        guard links.count + hostOpenings.count < Int(settings.maximumChannels),
            let channel = try? client.makeChannel()
        else { return refuse(message, "channel of the host", "too many channels on one connection") }
        hostOpenings.append(HostOpening(message, from: transport, channel, opening))
    }

    /// Goes on with the channels that wait for the client.
    func advanceHostOpenings() {
        guard !hostOpenings.isEmpty else { return }
        let settled = hostOpenings.filter { advance($0) }
        hostOpenings.removeAll { opening in settled.contains { $0 === opening } }
    }

    /// Goes on with one of them.
    ///
    /// - Returns: whether it is settled.
    private func advance(_ opening: HostOpening) -> Bool {
        // Only a packet can have answered it.
        if opening.packetCount == client.packetCount { return false }
        switch opening.channel.open(opening.opening) {
        case .again:
            opening.packetCount = client.packetCount
            return false
        case .done:
            guard let host = opening.message.acceptChannel(on: opening.host) else {
                opening.channel.close()
                return true
            }
            journal.append(.channelOpened(kind: opening.opening.kind, detail: opening.opening.detail))
            add(HostLink(client: opening.channel, host: host, kind: .stream, context: context))
            return true
        case .refused:
            opening.message.refuse()
            return true
        }
    }
}
