package import Authorization
import Commands
package import Control
import Glibc
package import Routing
package import Support

/// The sessions that live now: those of this daemon and those it has adopted; and who is on his way to which host.
///
/// Any thread may call it.
package final class SessionRegistry: Sendable {
    /// One session.
    package struct Entry: Sendable {
        /// Its name.
        package let session: SessionID
        let process: ProcessHandle
        /// Who logged in.
        let user: String
        /// Where the client is.
        let origin: Origin
        /// The host it leads to.
        var host: String?
        /// What it was given there; nil: it leads to no host.
        let rights: GivenRights?
        /// Its jumps, by host.
        var joins: [String: Join] = [:]
        /// Why it is being ended from here, if it is.
        package var endReason: String?
        /// Whether its person was told that its end is near.
        var isWarned = false
        /// When it is ended for not being recorded, if it would have to be.
        var recordingDeadline: MonotonicTime?
        /// Whether its host was lost from under it.
        var isLost = false

        package init(
            session: SessionID, process: ProcessHandle, user: String, from origin: Origin, host: String?,
            rights: GivenRights?, joins: [String: GivenRights] = [:]
        ) {
            self.session = session
            self.rights = rights
            self.process = process
            self.user = user
            self.origin = origin
            self.host = host
            self.joins = joins.mapValues { Join(count: 0, rights: $0) }
        }

        /// Hosts to which it jumps now.
        var jumps: Set<String> { Set(joins.filter { $0.value.count > 0 }.keys) }
    }

    /// A session's jumps to one host.
    struct Join: Sendable {
        /// How many are open; 0 where there was one that is over, as its process says.
        var count: Int
        /// What all of them were given together.
        var rights: GivenRights
    }

    /// Why a session is ended from here.
    package struct Ending: Sendable {
        /// For the event log.
        let reason: String
        let cause: EndCause

        package init(reason: String, cause: EndCause) {
            self.reason = reason
            self.cause = cause
        }
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

    package init() {}

    /// Everybody who has logged in.
    var all: [Entry] { state.withLock { Array($0.entries.values) } }

    /// Takes in a session of which somebody has logged in.
    package func add(_ entry: Entry) {
        state.withLock { state in
            state.entries[entry.session] = entry
            state.seats[entry.session] = entry.host.map { Presence(user: entry.user, host: $0) }
        }
    }

    /// Has `choose` pick a host in view of all other seats, and gives the session its seat there at the same moment.
    ///
    /// Sessions that begin at the same time see each other: all windows of one IDE land on one host.
    /// - Parameters:
    ///   - isJump: the session does not lead there by its login.
    ///   - keepsSeat: it is on a host already, and its seat stays there, to be seen by `choose`.
    ///   - choose: pure; gives the host with whatever else is to be known of the choice.
    package func seat<Choice: Sendable>(
        _ session: SessionID, of user: String, isJump: Bool = false, keepsSeat: Bool = false,
        _ choose: @Sendable (_ others: [Presence], _ lost: [Presence]) -> (host: String?, choice: Choice)
    ) -> Choice {
        let now = MonotonicTime.now
        return state.withLock { state in
            state.lost.removeAll { $0.until <= now }
            let others = state.seats.filter { keepsSeat || $0.key != session }.map(\.value)
            let (host, choice) = choose(others, state.lost.map(\.presence))
            if let host, !keepsSeat {
                state.seats[session] = Presence(user: user, host: host)
                if !isJump { state.entries[session]?.host = host }
            }
            return choice
        }
    }

    /// A jump to a host begins.
    ///
    /// - Parameters:
    ///   - rights: what it is given there.
    ///   - isSeat: the session has no other host than those it jumps to.
    package func noteJump(to host: String, of session: SessionID, rights: GivenRights, isSeat: Bool) {
        state.withLock { state in
            guard var entry = state.entries[session] else { return }
            let before = entry.joins[host]
            entry.joins[host] = Join(
                count: (before?.count ?? 0) + 1, rights: before?.rights.union(rights) ?? rights)
            state.entries[session] = entry
            if isSeat { state.seats[session] = Presence(user: entry.user, host: host) }
        }
    }

    /// A jump to a host is over.
    package func noteJumpEnd(to host: String, of session: SessionID) {
        let now = MonotonicTime.now
        state.withLock { state in
            guard var entry = state.entries[session], let count = entry.joins[host]?.count, count > 0
            else { return }
            entry.joins[host]?.count = count - 1
            state.entries[session] = entry
            guard count == 1, entry.host != host else { return }
            state.ends[host] = now
            guard state.seats[session]?.host == host else { return }
            let next = entry.jumps.min() ?? entry.host
            state.seats[session] = next.map { Presence(user: entry.user, host: $0) }
        }
    }

    /// The session is on the host that it leads to, whichever was thought of meanwhile.
    package func noteConnection(of session: SessionID, to host: String) {
        state.withLock { state in
            guard var entry = state.entries[session] else { return }
            entry.isLost = false
            entry.host = host
            state.entries[session] = entry
            state.seats[session] = Presence(user: entry.user, host: host)
        }
    }

    /// The session has lost its host.
    package func noteLoss(_ session: SessionID) {
        state.withLock { $0.entries[session]?.isLost = true }
    }

    /// How many sessions lead to a host, or are about to.
    package func count(on host: String) -> Int {
        state.withLock { $0.seats.values.count { $0.host == host } }
    }

    /// The session has ended, or will not begin.
    ///
    /// - Returns: its entry with what was noted meanwhile.
    @discardableResult
    package func remove(_ session: SessionID) -> Entry? {
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
    package func lastEnd(on host: String) -> MonotonicTime? { state.withLock { $0.ends[host] } }

    /// Has the process of a session tell its people that the end is near, or that it is not near any more; each once.
    func warn(_ session: SessionID, isDue: Bool) {
        let process = state.withLock { state -> ProcessHandle? in
            guard let entry = state.entries[session], entry.isWarned != isDue else { return nil }
            state.entries[session]?.isWarned = isDue
            if !isDue { state.entries[session]?.recordingDeadline = nil }
            return entry.process
        }
        try? process?.send(SIGURG, value: (isDue ? EndNotice.near : .withdrawn).rawValue)
    }

    /// Whether a session that has to be recorded and is not has had its time to end by itself, from the first call on.
    func hasHadItsTime(_ session: SessionID, _ patience: Duration, now: MonotonicTime = .now) -> Bool {
        state.withLock { state in
            let deadline = state.entries[session]?.recordingDeadline ?? now + patience
            state.entries[session]?.recordingDeadline = deadline
            return now >= deadline
        }
    }

    /// Asks all sessions for which `reason` gives one to end, kills those that do not, and returns how many there were.
    ///
    /// They share one time to do so, `SessionChild.patience`, however many they are.
    package func end(because reason: (Entry) -> Ending?) -> Int {
        let chosen = all.compactMap { entry in reason(entry).map { (entry: entry, ending: $0) } }
        state.withLock { state in
            for (entry, ending) in chosen where state.entries[entry.session]?.endReason == nil {
                state.entries[entry.session]?.endReason = ending.reason
            }
        }
        for (entry, ending) in chosen { try? entry.process.send(SIGTERM, value: ending.cause.rawValue) }
        let deadline = MonotonicTime.now + SessionChild.patience
        for (entry, _) in chosen {
            let left = max(.zero, deadline - .now)
            if !entry.process.ends(within: left) { try? entry.process.send(SIGKILL) }
        }
        return chosen.count
    }
}

extension SessionRegistry: SessionControl {
    package func kill(_ session: String) -> Bool {
        let ending = Ending(reason: EndCause.administrator.reason, cause: .administrator)
        return end { $0.session.description == session ? ending : nil } > 0
    }

    package func jumps(of session: String) -> [String] {
        guard let session = SessionID(session) else { return [] }
        return state.withLock { $0.entries[session]?.jumps.sorted() ?? [] }
    }

    package func endSessions(ofUser name: String) -> Int {
        end { $0.user == name ? Ending(reason: "the user was locked", cause: .user) : nil }
    }
}
