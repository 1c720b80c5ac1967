import Directory
import Glibc
import Support

/// Walks round: takes in the journals of adopted sessions, and ends sessions whose right to be there is gone.
struct Watchman: Sendable {
    /// Rounds of a second from one look at the grants to the next.
    private static let roundsPerCheck = 5

    let gateway: Gateway

    /// Takes in what earlier daemons left, then walks for ever on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread or the journals cannot be listed.
    func start() throws {
        // What ended without a daemon is in the book before the door opens.
        var found = try AdoptedSessions(gateway: gateway)
        let hasAdopted = found.update()
        let adopted = found
        try Thread.start("watchman") {
            walk(adopted, hasAdopted: hasAdopted)
        }
    }

    private func walk(_ adopted: AdoptedSessions, hasAdopted: Bool) {
        var adopted = adopted
        var hasAdopted = hasAdopted
        var rounds = 0
        while true {
            sleep(1)
            if hasAdopted { hasAdopted = adopted.update() }
            rounds += 1
            if rounds.isMultiple(of: Self.roundsPerCheck) { endWhatIsOver() }
        }
    }

    /// Ends sessions of users who may not log in any more, and on hosts that no grant of theirs leads to any more.
    private func endWhatIsOver() {
        var reasons: [SessionID: String] = [:]
        for entry in gateway.sessions.all where entry.endReason == nil {
            do {
                guard let reason = try reasonToEnd(entry) else { continue }
                gateway.log.notice(
                    "session ended from here",
                    ["session.id": entry.session.description, "user.name": entry.user, "reason": reason])
                reasons[entry.session] = reason
            } catch {
                gateway.log.error("grants cannot be checked", ["error": "\(error)"])
                break
            }
        }
        // All at once: each may take its time to end.
        if !reasons.isEmpty { _ = gateway.sessions.end { reasons[$0.session] } }
    }

    private func reasonToEnd(_ entry: SessionRegistry.Entry) throws -> String? {
        guard let user = try gateway.directory.findUser(entry.user), user.state != .left else {
            return "the user has left"
        }
        if user.state == .locked { return "the user was locked" }
        // That a jump is over is the word of the session's own process, which is not enough to keep a socket without a grant.
        for host in Set(entry.joins.keys).union([entry.host].compactMap(\.self)).sorted() {
            guard let access = try gateway.directory.access(of: entry.user, to: host) else {
                return "the grant for \(host) has ended"
            }
            // Who drains a host has work there.
            if host == entry.host || entry.jumps.contains(host), let drain = access.host.drain,
                drain.isOver(at: .now), !user.isAdmin
            {
                return "\(host) was drained, and the deadline has passed"
            }
        }
        return nil
    }
}
