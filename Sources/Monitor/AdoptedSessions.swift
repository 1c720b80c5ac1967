import Audit
import Authorization
import Configuration
import Directory
import Front
import Glibc
import Support

/// The journals that an earlier daemon left: of sessions that go on, and of those that ended while there was no daemon.
///
/// Used by one thread at a time.
struct AdoptedSessions: Sendable {
    private let gateway: Gateway
    private var complaints = RateLimit(interval: .seconds(10))
    private var readers: [(journal: JournalFile, reader: JournalReader)] = []

    /// Finds the journals; none of this daemon's own may be there yet.
    ///
    /// - Throws: `SystemError` when the directory cannot be read.
    init(gateway: Gateway) throws {
        self.gateway = gateway
        for session in try JournalFile.sessions(in: gateway.journals) {
            do {
                let journal = try JournalFile(session, in: gateway.journals)
                readers.append((journal, JournalReader(journal)))
                if try journal.isHeld() { adopt(session) }
            } catch {
                gateway.log.error(
                    "a journal cannot be read", ["session.id": session.description, "error": "\(error)"])
            }
        }
        endLostSessions()
    }

    /// Ends in the book what has no journal any more.
    private func endLostSessions() {
        let known = Set(readers.map(\.journal.session.description))
        for row in (try? gateway.events.liveSessions()) ?? [] where !known.contains(row.id) {
            guard let session = SessionID(row.id) else { continue }
            try? SessionEnding.write(
                "its journal is lost", of: session, user: row.user, host: row.host,
                address: row.clientAddress, into: gateway.events)
        }
    }

    /// Takes hold of the process of a session that lives, so that it can be ended from here.
    private func adopt(_ session: SessionID) {
        guard let row = try? gateway.events.session(session.description), row.ended == nil,
            let user = row.user, let process = row.process
        else { return }
        // The number may be another process's by now; its start time tells.
        guard let handle = try? ProcessHandle(process.pid),
            ProcessHandle.startTime(of: process.pid) == process.start
        else { return }
        gateway.limits.withLock { $0.adopt() }
        let isProxy = gateway.settings.configuration.isProxy(row.clientAddress)
        gateway.sessions.add(
            SessionRegistry.Entry(
                session: session, process: handle, user: user,
                from: isProxy ? .client(nil) : Origin(client: row.clientAddress),
                host: row.host,
                rights: row.host.flatMap { given(to: row, user, on: $0) },
                joins: joins(of: row, user)))
        gateway.log.notice("session adopted", ["session.id": session.description, "user.name": user])
    }

    /// What a session was given when it began, as its first event has it: what has ended since, also while there was no daemon, ends it.
    private func given(to row: Session, _ user: String, on host: String) -> GivenRights? {
        let start = try? gateway.events.events(EventQuery(session: row.id, kind: .sessionStarted, limit: 1))
        if let text = start?.first?.event.detail["given"], let noted = GivenRights(text: text) {
            return noted
        }
        // Of an older daemon: what was granted then, as far as it is in the directory.
        return estimate(of: user, on: host, at: row.started)?.given
    }

    /// The same of its jumps.
    private func joins(of row: Session, _ user: String) -> [String: GivenRights] {
        var joins: [String: GivenRights] = [:]
        for jump in (try? gateway.events.jumps(ofSession: row.id)) ?? [] {
            let noted = jump.given.flatMap(GivenRights.init(text:))
            // Nothing at all where even that is not known: then it goes on while there is a grant.
            let rights =
                noted ?? estimate(of: user, on: jump.host, at: row.started)?.givenToJump
                ?? GivenRights(permissions: Permissions(), sudo: false)
            joins[jump.host] = joins[jump.host]?.union(rights) ?? rights
        }
        return joins
    }

    private func estimate(of user: String, on host: String, at time: Timestamp) -> Rights? {
        let directory = gateway.directory
        let access = (try? directory.access(of: user, to: host, at: time)) ?? nil
        return access?.rights ?? (try? directory.access(of: user, to: host))??.rights
    }

    /// Takes in what the journals have got, and ends the sessions whose process is gone; false when none is left.
    mutating func update() -> Bool {
        var left: [(journal: JournalFile, reader: JournalReader)] = []
        for var entry in readers where !isOver(entry.journal, &entry.reader) { left.append(entry) }
        readers = left
        return !readers.isEmpty
    }

    private mutating func isOver(_ journal: JournalFile, _ reader: inout JournalReader) -> Bool {
        do {
            // In this order: what is written before the lock goes is read after it.
            let lives = try journal.isHeld()
            let row = try gateway.events.session(journal.session.description)
            var damage: String?
            if let row, row.ended == nil {
                do { try reader.ingest(into: gateway.events, host: row.host) } catch let error as WireError {
                    damage = "its journal is damaged: \(error)"
                }
            }
            if lives, damage == nil { return false }
            let entry = gateway.sessions.remove(journal.session)
            if let entry {
                gateway.limits.withLock { $0.closeAdopted() }
                if lives { try? entry.process.send(SIGKILL) }
            }
            // Without a row nobody had logged in.
            if let row, row.ended == nil {
                let reason =
                    entry?.endReason ?? damage ?? reader.endReason ?? SessionEnding.unexpected(status: nil)
                try SessionEnding.write(
                    reason, of: journal.session, user: row.user, host: row.host,
                    address: row.clientAddress, into: gateway.events)
            }
            journal.remove()
            return true
        } catch {
            if complaints.pass(at: .now) != nil {
                gateway.log.error(
                    "a journal cannot be taken in",
                    ["session.id": journal.session.description, "error": "\(error)"])
            }
            return false
        }
    }
}
