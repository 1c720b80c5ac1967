import Commands
import Glibc
import Routing
import Support

/// The sessions that live now: those of this daemon and those it has adopted; and who is on his way to which host.
final class SessionRegistry: Sendable {
    /// One session.
    struct Entry: Sendable {
        let session: SessionID
        let process: ProcessHandle
        /// Who logged in.
        let user: String
        /// The host it leads to.
        var host: String?
        /// Hosts it has jumped to.
        var jumps: Set<String> = []
        /// Why it is being ended from here, if it is.
        var endReason: String?
        /// Whether its host was lost from under it.
        var isLost = false
    }

    private struct State {
        var entries: [SessionID: Entry] = [:]
        /// Where each session leads, from the moment of the choice on.
        var seats: [SessionID: Presence] = [:]
        /// Seats whose host was lost: the people want to go back there.
        var lost: [(presence: Presence, until: MonotonicTime)] = []
        /// When the last session on each host ended.
        var ends: [String: MonotonicTime] = [:]
    }

    /// How long somebody whose host was lost belongs there.
    private static let memory = Duration.seconds(600)

    private let state = Locked(State())

    /// Everybody who has logged in.
    var all: [Entry] { state.withLock { Array($0.entries.values) } }

    func add(_ entry: Entry) {
        state.withLock { state in
            state.entries[entry.session] = entry
            state.seats[entry.session] = entry.host.map { Presence(user: entry.user, host: $0) }
        }
    }

    /// Has `choose` pick a host in view of all seats but that of the session itself, which it gets at the same moment.
    ///
    /// Sessions that begin at the same time see each other: all windows of one IDE land on one host.
    /// - Parameters:
    ///   - isJump: the session does not lead there by its login.
    ///   - choose: pure; gives the host with whatever else is to be known of the choice.
    func seat<Choice: Sendable>(
        _ session: SessionID, of user: String, isJump: Bool = false,
        _ choose: @Sendable (_ others: [Presence], _ lost: [Presence]) -> (host: String?, choice: Choice)
    ) -> Choice {
        let now = MonotonicTime.now
        return state.withLock { state in
            state.lost.removeAll { $0.until <= now }
            let others = state.seats.filter { $0.key != session }.map(\.value)
            let (host, choice) = choose(others, state.lost.map(\.presence))
            if let host {
                state.seats[session] = Presence(user: user, host: host)
                if !isJump { state.entries[session]?.host = host }
            }
            return choice
        }
    }

    /// - Parameter isSeat: the session has no other host than those it jumps to.
    func noteJump(to host: String, of session: SessionID, isSeat: Bool) {
        state.withLock { state in
            state.entries[session]?.jumps.insert(host)
            guard isSeat, let user = state.entries[session]?.user else { return }
            state.seats[session] = Presence(user: user, host: host)
        }
    }

    /// The session is on the host that it leads to.
    func noteConnection(of session: SessionID) {
        state.withLock { state in
            guard let entry = state.entries[session], let host = entry.host else { return }
            state.seats[session] = Presence(user: entry.user, host: host)
        }
    }

    /// The session has lost its host.
    func noteLoss(_ session: SessionID) {
        state.withLock { $0.entries[session]?.isLost = true }
    }

    /// How many sessions lead to a host, or are about to.
    func count(on host: String) -> Int {
        state.withLock { $0.seats.values.count { $0.host == host } }
    }

    /// The session has ended, or will not begin.
    ///
    /// - Returns: its entry with what was noted meanwhile.
    @discardableResult
    func remove(_ session: SessionID) -> Entry? {
        let now = MonotonicTime.now
        return state.withLock { state in
            let seat = state.seats.removeValue(forKey: session)
            let entry = state.entries.removeValue(forKey: session)
            if let seat, entry?.isLost == true, !state.lost.contains(where: { $0.presence == seat }) {
                state.lost.append((seat, now + Self.memory))
            }
            if let entry {
                for host in entry.jumps.union(entry.host.map { [$0] } ?? []) { state.ends[host] = now }
            }
            return entry
        }
    }

    /// When the last session that led to a host ended; nil: none did since the daemon was started.
    func lastEnd(on host: String) -> MonotonicTime? { state.withLock { $0.ends[host] } }

    /// Asks all sessions that match to end, kills those that do not, and returns how many there were.
    func end(because reason: String, where matches: (Entry) -> Bool) -> Int {
        let chosen = all.filter(matches)
        state.withLock { state in
            for entry in chosen where state.entries[entry.session]?.endReason == nil {
                state.entries[entry.session]?.endReason = reason
            }
        }
        for entry in chosen { try? entry.process.send(SIGTERM) }
        let deadline = MonotonicTime.now + SessionChild.patience
        for entry in chosen {
            let left = max(.zero, deadline - .now)
            if !entry.process.ends(within: left) { try? entry.process.send(SIGKILL) }
        }
        return chosen.count
    }
}

extension SessionRegistry: SessionControl {
    func kill(_ session: String) -> Bool {
        end(because: "ended by an administrator") { $0.session.description == session } > 0
    }

    func jumps(of session: String) -> [String] {
        all.first { $0.session.description == session }?.jumps.sorted() ?? []
    }

    func endSessions(ofUser name: String) -> Int {
        end(because: "the user was locked") { $0.user == name }
    }
}
