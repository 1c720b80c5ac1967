import Authentication
import Configuration
import Glibc
import Support

/// Takes in the connections of clients: counts them, turns away what is too many, starts a session for each of the others.
final class FrontDoor: Sendable {
    private let gateway: Gateway
    private let listeners: [Listener]
    private let complaints = Locked(RateLimit(interval: .seconds(10)))

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
        if gateway.penalties.withLock({ $0.isBlocked(peer.host, at: .now) }) {
            return turnAway(client, from: peer, because: "MaxFailuresPerAddress")
        }
        do throws(ConnectionLimits.Refusal) {
            try gateway.limits.withLock { limits throws(ConnectionLimits.Refusal) in
                try limits.open(from: peer.host)
            }
        } catch {
            turnAway(client, from: peer, because: error.rawValue)
            return
        }
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

    private static func start(
        _ parcel: Locked<Descriptor?>, from peer: TCPAddress, _ gateway: Gateway
    ) -> SessionMonitor? {
        let client = parcel.withLock { content in
            defer { content = nil }
            return content
        }
        guard let client else { return nil }
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
        guard let others = complaints.withLock({ $0.pass(at: .now) }) else { return }
        gateway.log.warning(
            "connection turned away",
            ["limit": limit, "peer.address": peer.host, "more": String(others)])
    }
}
