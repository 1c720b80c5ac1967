import Authorization
import Control
import Directory
import Glibc
import Routing
import Support

/// Walks round: takes in the journals of adopted sessions, and ends sessions whose right to be there is gone.
struct Watchman: Sendable {
    /// Rounds of a second from one look at the grants to the next.
    private static let roundsPerCheck = 5
    /// People are told so long before what permits their session ends.
    private static let notice = Duration.seconds(300)

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
        var endings: [SessionID: SessionRegistry.Ending] = [:]
        for entry in gateway.sessions.all where entry.endReason == nil {
            do {
                guard let ending = try ending(of: entry) else { continue }
                gateway.log.notice(
                    "session ended from here",
                    [
                        "session.id": entry.session.description, "user.name": entry.user,
                        "reason": ending.reason,
                    ])
                endings[entry.session] = ending
            } catch {
                gateway.log.error("grants cannot be checked", ["error": "\(error)"])
                break
            }
        }
        // All at once: each may take its time to end.
        if !endings.isEmpty { _ = gateway.sessions.end { endings[$0.session] } }
    }

    private func ending(of entry: SessionRegistry.Entry) throws -> SessionRegistry.Ending? {
        guard let user = try gateway.directory.findUser(entry.user), user.state != .left else {
            return .init(reason: "the user has left", cause: .user)
        }
        if user.state == .locked { return .init(reason: "the user was locked", cause: .user) }
        if !user.networks.admit(entry.origin) {
            let place = entry.origin.text ?? "there"
            return .init(reason: "the user may not log in from \(place) any more", cause: .user)
        }
        let (ending, isTimed) = try endOfGrant(entry, at: .now)
        let coming = try ending ?? (isTimed ? endOfGrant(entry, at: .now + Self.notice).ending : nil)
        // Nothing is taken away where a recording is demanded from now on: what runs has the time of a warning.
        let isOverdue =
            coming?.cause != .recording || gateway.sessions.hasHadItsTime(entry.session, Self.notice)
        if let ending, isOverdue { return ending }
        gateway.sessions.warn(entry.session, isDue: coming != nil)
        // Who drains a host has work there.
        guard !user.isAdmin else { return nil }
        for host in entry.jumps.union([entry.host].compactMap(\.self)).sorted() {
            if let drain = try gateway.directory.findHost(host)?.drain, drain.isOver(at: .now) {
                return .init(reason: "\(host) was drained, and the deadline has passed", cause: .drain)
            }
        }
        return nil
    }

    /// Why what a session was given is not granted any more at a moment, and whether that can change by itself; nil: it is.
    ///
    /// That it would have to be recorded is said where nothing else is to say.
    private func endOfGrant(
        _ entry: SessionRegistry.Entry, at time: Timestamp
    ) throws -> (ending: SessionRegistry.Ending?, isTimed: Bool) {
        var isTimed = false
        var unrecorded: SessionRegistry.Ending?
        // That a jump is over is the word of the session's own process, which is not enough to keep a socket without a grant.
        for host in Set(entry.joins.keys).union([entry.host].compactMap(\.self)).sorted() {
            // Grants that require what was not shown in it give it nothing.
            let shown = (entry.joins[host]?.rights ?? entry.rights)?.shown ?? []
            let access: Access
            switch try gateway.directory.entry(
                of: entry.user, to: host, showing: shown, from: entry.origin,
                isJump: entry.joins[host] != nil, at: time)
            {
            case .open(let found): access = found
            case .lacking:
                // Root belongs to the account: who has not shown what it takes must not be there when it is given.
                let reason = "\(host) requires more now than was shown for this session"
                return (.init(reason: reason, cause: .grant), isTimed)
            case .elsewhere:
                let reason = "what is granted on \(host) does not hold from \(entry.origin.text ?? "there")"
                return (.init(reason: reason, cause: .grant), isTimed)
            case .closed: return (.init(reason: "the grant for \(host) has ended", cause: .grant), isTimed)
            }
            isTimed = isTimed || access.isTimed
            let now = access.rights.given
            if let given = entry.joins[host]?.rights {
                // Where a recording is demanded there are no jumps.
                let jump = access.rights.record ? now : access.rights.givenToJump
                guard let jump, given.isCoveredButForRecording(by: jump) else {
                    let reason = "what a jump to \(host) was given is not granted any more"
                    return (.init(reason: reason, cause: .grant), isTimed)
                }
                if access.rights.record { unrecorded = unrecorded ?? Self.unrecorded(on: host) }
            }
            if host == entry.host, let given = entry.rights, !given.isCovered(by: now) {
                guard given.isCoveredButForRecording(by: now) else {
                    let reason = "what was granted on \(host) is not granted any more"
                    return (.init(reason: reason, cause: .grant), isTimed)
                }
                unrecorded = unrecorded ?? Self.unrecorded(on: host)
            }
        }
        return (unrecorded, isTimed)
    }

    private static func unrecorded(on host: String) -> SessionRegistry.Ending {
        .init(reason: "sessions on \(host) have to be recorded now", cause: .recording)
    }
}
