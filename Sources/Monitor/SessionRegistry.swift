import Commands
import Glibc
import Routing
import Support

/// The sessions that live now: those of this daemon and those it has adopted.
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
    }

    private let entries = Locked<[SessionID: Entry]>([:])

    /// Everybody who has logged in.
    var all: [Entry] { entries.withLock { Array($0.values) } }

    func add(_ entry: Entry) {
        entries.withLock { $0[entry.session] = entry }
    }

    func setHost(_ host: String, of session: SessionID) {
        entries.withLock { $0[session]?.host = host }
    }

    func noteJump(to host: String, of session: SessionID) {
        entries.withLock { _ = $0[session]?.jumps.insert(host) }
    }

    /// Who is on which host.
    var places: [LiveSession] {
        all.compactMap { entry in entry.host.map { LiveSession(user: entry.user, host: $0) } }
    }

    /// The session has ended.
    ///
    /// - Returns: its entry with what was noted meanwhile.
    @discardableResult
    func remove(_ session: SessionID) -> Entry? {
        entries.withLock { $0.removeValue(forKey: session) }
    }

    /// Asks all sessions that match to end, kills those that do not, and returns how many there were.
    func end(because reason: String, where matches: (Entry) -> Bool) -> Int {
        let chosen = all.filter(matches)
        entries.withLock { entries in
            for entry in chosen where entries[entry.session]?.endReason == nil {
                entries[entry.session]?.endReason = reason
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

    func endSessions(ofUser name: String) -> Int {
        end(because: "the user was locked") { $0.user == name }
    }
}
