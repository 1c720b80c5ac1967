import Audit
import Authentication
import Authorization
import Control
import Front
import Glibc
import Support

extension SessionMonitor {
    /// Lets in the watcher of a host, in the log first: it may deliver and fetch its program, and do nothing else.
    func openDelivery(of host: String, key: [UInt8], fingerprint: String) throws -> SessionReply {
        try gateway.events.append(
            Event(
                .watcherConnected, session: session.description, host: host, address: peer.host,
                detail: ["key": fingerprint]))
        watcher = (host, key)
        state = SessionState(granted: .book)
        gateway.limits.withLock { $0.authenticated(from: peer.host) }
        gateway.penalties.withLock { $0.noteSuccess(from: peer.host) }
        log.info("watcher", ["host.name": host, "peer.address": peer.host, "key.fingerprint": fingerprint])
        return .accepted(
            SessionGrant(
                user: KeyDecision.watcherName, target: .book, permissions: Permissions(),
                acceptedEnvironment: [], guardedPorts: []))
    }

    /// Starts the delivery of a watcher that has logged in.
    func deliver() throws -> (SessionReply, [Descriptor]) {
        guard let watcher else { throw Violation(description: "no watcher has logged in") }
        let socket = try gateway.desk.open(
            host: watcher.host, keyBlob: watcher.keyBlob, session: session, address: peer.host)
        return (.deliveryStarted, [socket])
    }

    /// Hands its program to a watcher that has logged in, on a thread of its own, once: the thread lives as long as the host likes to
    /// take it.
    func sendWatcherProgram() throws -> (SessionReply, [Descriptor]) {
        guard watcher != nil else { throw Violation(description: "no watcher has logged in") }
        guard !hasSentProgram else { return (.refused(reason: "the program was sent already"), []) }
        let program = try Descriptor.open(Gateway.watcherProgram, O_RDONLY)
        let (ours, theirs) = try StreamSocket.pair()
        hasSentProgram = true
        try Thread.start("program") {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            // A host that has gone takes nothing more, and misses what it was to check the hash of.
            while let count = try? program.read(into: &buffer), count > 0,
                (try? ours.writeAll(buffer[..<count])) != nil
            {}
        }
        return (.deliveryStarted, [theirs])
    }
}
