import Configuration
import Control
import Front
import Glibc
import Support

/// Takes the clients that `gatehouse-front` has accepted, over the socket that systemd holds for both.
///
/// The front end is believed nothing but what a proxy says: from where a client comes, the kernel knows.
final class FrontDesk: Sendable {
    /// One, and another that takes its place.
    private static let frontLimit = 4

    /// Where front ends connect.
    let path: String
    private let listener: Listener
    /// Whom front ends run as.
    private let owner: UInt32
    private let gateway: Gateway
    private let fronts = Locked(0)
    private let isClosed = Locked(false)
    private let complaints = Locked(RateLimit(interval: .seconds(10)))

    /// - Throws: `StartupError` where others than the front end could get at the socket.
    init(_ socket: Descriptor, gateway: Gateway) throws(StartupError) {
        self.gateway = gateway
        do {
            path = try MessageSocket.path(of: socket)
            listener = try Listener(socket)
        } catch {
            throw StartupError("the socket that systemd gave: \(error)")
        }
        let program = gateway.program
        owner = try StartupChecks.frontUser(
            by: path,
            apartFrom: [program.identity?.uid, program.tunnelIdentity?.uid].compactMap { $0 })
    }

    /// Takes clients from now on, on threads of its own, and gives each with its address to `receive`, which must not block.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func open(receive: @escaping @Sendable (Descriptor, TCPAddress) -> Void) throws(SystemError) {
        try listener.start(log: { [gateway] in gateway.log }) { [self] socket throws(SystemError) in
            let front = try MessageSocket.accept(from: socket)
            let peer = try front.peer()
            guard peer.uid == owner else {
                return complain(
                    "refused at front.sock", ["peer.uid": String(peer.uid), "peer.pid": String(peer.pid)])
            }
            let hasRoom = fronts.withLock { count in
                guard count < Self.frontLimit else { return false }
                count += 1
                return true
            }
            guard hasRoom else {
                return complain("too many front ends", ["peer.pid": String(peer.pid)])
            }
            do throws(SystemError) {
                try Thread.start("front") { [self] in
                    serve(front, receive)
                    fronts.withLock { $0 -= 1 }
                }
            } catch {
                fronts.withLock { $0 -= 1 }
                throw error
            }
        }
    }

    /// Takes no more front ends; clients that this daemon does not take any more are the next one's.
    func close() {
        isClosed.withLock { $0 = true }
        listener.close()
    }

    private func serve(
        _ front: MessageSocket, _ receive: @Sendable (Descriptor, TCPAddress) -> Void
    ) {
        do {
            try front.send(FrontMessage.welcome.encoded)
            while let (message, descriptors) = try front.receive(), !isClosed.withLock({ $0 }) {
                guard case .client(let address, let port) = try FrontMessage(decoding: message),
                    descriptors.count == 1
                else { throw WireError("a front end sends one client at a time and nothing else") }
                try front.send(FrontMessage.taken.encoded)
                if let peer = origin(of: descriptors[0], namedAs: address, port: port) {
                    receive(descriptors[0], peer)
                }
            }
        } catch {
            complain("a front end is cut off", ["error": "\(error)"])
        }
    }

    /// Where a client comes from; nil: it is gone, or is none.
    private func origin(of client: Descriptor, namedAs address: IPAddress, port: UInt16) -> TCPAddress? {
        guard let peer = TCP.peerAddress(of: client) else { return nil }
        if IPAddress(peer.host) == address, peer.port == port { return peer }
        guard gateway.settings.configuration.isProxy(peer.host) else {
            complain(
                "a front end names a client for which nobody may speak",
                ["peer.address": peer.host, "named.address": "\(address)"])
            return nil
        }
        return TCPAddress(host: "\(address)", port: port)
    }

    private func complain(_ message: StaticString, _ metadata: KeyValuePairs<String, String>) {
        if complaints.withLock({ $0.pass(at: .now) }) != nil { gateway.log.warning(message, metadata) }
    }
}
