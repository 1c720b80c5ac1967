import Audit
import Authentication
import Control
import Support

extension SessionMonitor {
    /// Lets in the watcher of a host, in the log first: it may deliver, and do nothing else.
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
                user: KeyDecision.watcherName, target: .book, mayForward: false, mayForwardAgent: false,
                acceptedEnvironment: [], guardedPorts: []))
    }

    /// Starts the delivery of a watcher that has logged in.
    func deliver() throws -> (SessionReply, [Descriptor]) {
        guard let watcher else { throw Violation(description: "no watcher has logged in") }
        let socket = try gateway.desk.open(
            host: watcher.host, keyBlob: watcher.keyBlob, session: session, address: peer.host)
        return (.deliveryStarted, [socket])
    }
}
