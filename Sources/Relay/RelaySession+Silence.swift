import SSH
import Support

/// What is done about a host that has fallen silent while its connection still stands.
extension RelaySession {
    /// Whether an opening ends because the host has fallen silent.
    ///
    /// The kernel takes `HostAliveTimeout` to find that a host is gone, for what goes on there may outlast a pause. Who wants something
    /// new waits no longer than for a new connection. Streams say nothing of the host: it may itself wait for where they lead. Nor does
    /// the first channel on a connection: sshd begins with what PAM does for the login, such as mounting a home.
    func isGivenUp(_ opening: Opening, _ attempt: Opening.Attempt, _ transport: Transport) -> Bool {
        guard opening.opening == .session, attempt.upstream.hasOpened,
            MonotonicTime.now >= attempt.patience.until
        else { return false }
        guard transport.receivedBytes == attempt.patience.receivedBytes else {
            // It was there a while ago.
            opening.attempt?.patience = (.now + connectTimeout, transport.receivedBytes)
            return false
        }
        let isInUse =
            links.values.contains { ($0 as? HostLink)?.hostTransport === transport }
            || forwards.listeners.contains { $0.transport == ObjectIdentifier(transport) }
        guard isInUse else {
            // Nothing is lost with it, and there may be another way or another host.
            lose(attempt.upstream)
            opening.attempt = nil
            begin(opening)
            return false
        }
        abandoned.append(attempt)
        refuseSession(opening, "\(attempt.upstream.host) does not answer")
        return true
    }

    /// The earliest moment at which the silence of a host is to be noticed.
    var openingDeadline: MonotonicTime? {
        openings.compactMap { $0.opening == .session ? $0.attempt?.patience.until : nil }
            .filter { $0 > .now }.min()
    }

    /// Closes what the host has opened after all for somebody who has given up.
    func advanceAbandoned() {
        abandoned.removeAll { attempt in
            guard let transport = attempt.upstream.transport, !attempt.isOver else { return true }
            guard transport.packetCount != attempt.packetCount else { return false }
            return attempt.channel.open(.session) != .again
        }
    }
}
