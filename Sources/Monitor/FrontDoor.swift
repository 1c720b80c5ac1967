import Authentication
import Configuration
import Front
import Glibc
import Support

/// Takes in the connections of clients: counts them, turns away what is too many, starts a session for each of the others.
///
/// They come by TCP, or from `gatehouse-front` where the configuration says so.
final class FrontDoor: Sendable {
    private enum Way {
        case entrance(Entrance)
        case desk(FrontDesk)
    }

    private static let patience = Duration.seconds(2)
    private static let afterLogin = Duration.milliseconds(300)

    private let gateway: Gateway
    private let way: Way
    private let refusals: Refusals

    /// Takes the sockets given by systemd, or binds all configured addresses.
    ///
    /// - Throws: `StartupError` that names the address, or what is unsafe.
    init(gateway: Gateway, sockets: [Descriptor]) throws(StartupError) {
        self.gateway = gateway
        refusals = Refusals(log: { gateway.log })
        if gateway.settings.configuration.hasFrontEnd {
            guard sockets.isEmpty else {
                throw StartupError(
                    "FrontEnd yes, and systemd gives sockets to the daemon: they belong to gatehouse-front")
            }
            way = .desk(try FrontDesk(gateway: gateway))
        } else {
            way = .entrance(
                try Entrance(
                    sockets: sockets, configuration: { gateway.settings.configuration }, refusals: refusals,
                    log: { gateway.log }))
        }
    }

    /// Where clients come in, for the log.
    var addresses: String {
        switch way {
        case .entrance(let entrance): entrance.addresses
        case .desk(let desk): desk.path
        }
    }

    /// Accepts from now on, on threads of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func open() throws(SystemError) {
        let receive: @Sendable (Descriptor, TCPAddress) -> Void = { [self] client, peer in
            if admit(client, from: peer) { startSession(client, from: peer) }
        }
        switch way {
        case .entrance(let entrance): try entrance.open(receive: receive)
        case .desk(let desk): try desk.open(receive: receive)
        }
    }

    /// Accepts no more; sessions go on.
    ///
    /// Behind a front end nobody is to notice that: who is just logging in has a moment for it, since a login needs the daemon.
    func close() {
        switch way {
        case .entrance(let entrance): entrance.close(until: .now)
        case .desk(let desk):
            desk.close()
            let deadline = MonotonicTime.now + Self.patience
            while .now < deadline, gateway.limits.withLock({ $0.startups }) > 0 { usleep(20_000) }
            // After the login comes the question for the host.
            usleep(UInt32(Self.afterLogin.milliseconds * 1_000))
        }
    }

    /// Counts a client, or turns it away.
    private func admit(_ client: Descriptor, from peer: TCPAddress) -> Bool {
        guard gateway.settings.configuration.networks.admit(peer.host) else {
            // Strangers are told nothing at all.
            refusals.complain(about: peer, because: "AllowFrom, DenyFrom")
            return false
        }
        if gateway.penalties.withLock({ $0.isBlocked(peer.host, at: .now) }) {
            refusals.refuse(client, from: peer, because: "MaxFailuresPerAddress")
            return false
        }
        do throws(ConnectionLimits.Refusal) {
            try gateway.limits.withLock { limits throws(ConnectionLimits.Refusal) in
                try limits.open(from: peer.host)
            }
            return true
        } catch {
            refusals.refuse(client, from: peer, because: error.rawValue)
            return false
        }
    }

    /// Starts the session of a client that has been counted.
    private func startSession(_ client: Descriptor, from peer: TCPAddress) {
        TCP.tune(client)
        do {
            // The thread must not keep the socket: it is the session's from its start on.
            let parcel = Parcel(client)
            try Thread.start("session") { [gateway] in
                Self.start(parcel, from: peer, gateway)?.run()
            }
        } catch {
            gateway.limits.withLock { $0.close(from: peer.host, authenticated: false) }
            gateway.log.error("a session cannot be started", ["error": "\(error)"])
        }
    }

    private static func start(
        _ parcel: Parcel, from peer: TCPAddress, _ gateway: Gateway
    ) -> SessionMonitor? {
        guard let client = parcel.take() else { return nil }
        do {
            return try SessionMonitor(client: client, from: peer, gateway: gateway)
        } catch {
            gateway.limits.withLock { $0.close(from: peer.host, authenticated: false) }
            gateway.log.error(
                "a session cannot be started", ["error": "\(error)", "peer.address": peer.host])
            return nil
        }
    }
}
