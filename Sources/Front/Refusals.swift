import Glibc
package import Support

/// Turns connections away, and tells the log of one in ten seconds.
package final class Refusals: Sendable {
    private let complaints = Locked(RateLimit(interval: .seconds(10)))
    private let log: @Sendable () -> Log

    package init(log: @escaping @Sendable () -> Log) {
        self.log = log
    }

    /// Tells a client which limit is in its way, without waiting for anything.
    package func refuse(_ client: Descriptor, from peer: TCPAddress, because limit: String) {
        let farewell = Array("Exceeded \(limit)\r\n".utf8)
        _ = unsafe send(
            client.number, farewell, farewell.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        complain(about: peer, because: limit)
    }

    /// Tells the log alone.
    package func complain(about peer: TCPAddress, because limit: String) {
        guard let others = complaints.withLock({ $0.pass(at: .now) }) else { return }
        log().warning(
            "connection turned away",
            ["limit": limit, "peer.address": peer.host, "more": String(others)])
    }

    /// Tells the log of a proxy that does not say for whom it comes.
    func complain(aboutProxy proxy: TCPAddress, _ error: WireError) {
        guard let others = complaints.withLock({ $0.pass(at: .now) }) else { return }
        log().warning(
            "proxy turned away",
            ["proxy.address": proxy.host, "reason": error.description, "more": String(others)])
    }
}
