import Authentication
import Configuration
import Glibc
import Support

/// Takes in the connections of clients: counts them, turns away what is too many, starts a session for each of the others.
final class FrontDoor: Sendable {
    private let gateway: Gateway
    private let listeners: [Listener]
    private let complaints = Locked(RateLimit(interval: .seconds(10)))
    /// Connections of proxies that have not said yet for whom they come.
    private let greetings = Locked(0)

    /// Binds all configured addresses.
    ///
    /// - Throws: `StartupError` that names the address.
    init(gateway: Gateway) throws(StartupError) {
        self.gateway = gateway
        var listeners: [Listener] = []
        for address in gateway.settings.configuration.listenAddresses {
            do {
                listeners += try Listener.open(on: TCPAddress(host: address.host, port: address.port))
            } catch {
                throw StartupError("ListenAddress \(address): \(error)")
            }
        }
        self.listeners = listeners
    }

    /// Accepts from now on, on threads of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func open() throws(SystemError) {
        for listener in listeners {
            try listener.start(
                log: { [gateway] in gateway.log }, receive: { [self] in receive($0, from: $1) })
        }
    }

    /// Accepts no more; sessions go on.
    func close() {
        for listener in listeners { listener.close() }
    }

    private func receive(_ client: Descriptor, from peer: TCPAddress) {
        if gateway.settings.configuration.isProxy(peer.host) {
            receive(client, fromProxy: peer)
        } else if admit(client, from: peer) {
            startSession(client, from: peer)
        }
    }

    /// A proxy says for whom it comes, which may take a moment; then it is as if the client had come by itself.
    private func receive(_ client: Descriptor, fromProxy proxy: TCPAddress) {
        let limit = gateway.settings.configuration.maximumStartups
        let hasRoom = greetings.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard hasRoom else { return turnAway(client, from: proxy, because: "MaxStartups") }
        do {
            let parcel = Locked<Descriptor?>(client)
            try Thread.start("proxy") { [self] in
                defer { greetings.withLock { $0 -= 1 } }
                guard let client = Self.take(parcel), let peer = origin(of: client, from: proxy),
                    admit(client, from: peer)
                else { return }
                startSession(client, from: peer)
            }
        } catch {
            greetings.withLock { $0 -= 1 }
            gateway.log.error("a proxy cannot be listened to", ["error": "\(error)"])
        }
    }

    /// The client for whom a proxy comes; nil: it has not said so as it should.
    private func origin(of client: Descriptor, from proxy: TCPAddress) -> TCPAddress? {
        do throws(WireError) {
            switch try ProxyHeader.read(from: client) {
            case .client(let address): return address
            case .proxy: return proxy
            }
        } catch {
            if let others = complaints.withLock({ $0.pass(at: .now) }) {
                gateway.log.warning(
                    "proxy turned away",
                    ["proxy.address": proxy.host, "reason": error.description, "more": String(others)])
            }
            return nil
        }
    }

    /// Counts a client, or turns it away.
    private func admit(_ client: Descriptor, from peer: TCPAddress) -> Bool {
        guard gateway.settings.configuration.networks.admit(peer.host) else {
            // Strangers are told nothing at all.
            complain(about: peer, because: "AllowFrom, DenyFrom")
            return false
        }
        if gateway.penalties.withLock({ $0.isBlocked(peer.host, at: .now) }) {
            turnAway(client, from: peer, because: "MaxFailuresPerAddress")
            return false
        }
        do throws(ConnectionLimits.Refusal) {
            try gateway.limits.withLock { limits throws(ConnectionLimits.Refusal) in
                try limits.open(from: peer.host)
            }
            return true
        } catch {
            turnAway(client, from: peer, because: error.rawValue)
            return false
        }
    }

    /// Starts the session of a client that has been counted.
    private func startSession(_ client: Descriptor, from peer: TCPAddress) {
        TCP.tune(client)
        do {
            // The thread must not keep the socket: it is the session's from its start on.
            let parcel = Locked<Descriptor?>(client)
            try Thread.start("session") { [gateway] in
                Self.start(parcel, from: peer, gateway)?.run()
            }
        } catch {
            gateway.limits.withLock { $0.close(from: peer.host, authenticated: false) }
            gateway.log.error("a session cannot be started", ["error": "\(error)"])
        }
    }

    private static func take(_ parcel: Locked<Descriptor?>) -> Descriptor? {
        parcel.withLock { content in
            defer { content = nil }
            return content
        }
    }

    private static func start(
        _ parcel: Locked<Descriptor?>, from peer: TCPAddress, _ gateway: Gateway
    ) -> SessionMonitor? {
        guard let client = take(parcel) else { return nil }
        do {
            return try SessionMonitor(client: client, from: peer, gateway: gateway)
        } catch {
            gateway.limits.withLock { $0.close(from: peer.host, authenticated: false) }
            gateway.log.error(
                "a session cannot be started", ["error": "\(error)", "peer.address": peer.host])
            return nil
        }
    }

    private func turnAway(
        _ client: Descriptor, from peer: TCPAddress, because limit: String
    ) {
        let farewell = Array("Exceeded \(limit)\r\n".utf8)
        _ = unsafe send(
            client.number, farewell, farewell.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        complain(about: peer, because: limit)
    }

    private func complain(about peer: TCPAddress, because limit: String) {
        guard let others = complaints.withLock({ $0.pass(at: .now) }) else { return }
        gateway.log.warning(
            "connection turned away",
            ["limit": limit, "peer.address": peer.host, "more": String(others)])
    }
}
