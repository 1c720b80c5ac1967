package import FileEvents

/// Who each process acts for, kept up from births on, so that it is known of processes that live a millisecond.
///
/// A login's uid that is set is inherited and never changes; one that is unset may be set at any moment, so it is asked for
/// again whenever it matters, and never remembered beyond a batch of file events. Does no input or output of its own.
package struct ProcessTable {
    private struct Entry {
        var uid: UInt32
        var login: ProcessFacts.Login
        var command: [UInt8]
        var executable: [UInt8]
        var isKernel: Bool
        var group: ControlGroup
        /// Whether it is of this host, as far as mount namespaces tell.
        var belongs: Bool
        /// Made when the process is first asked for, until something of it changes.
        var actor: Actor?
        /// The batch in which the login was last asked for, and was unset.
        var asked = 0
    }

    private var entries: [UInt32: Entry] = [:]
    private var ended: [UInt32] = []
    private var endedBefore: [UInt32] = []
    private var batch = 1
    private let mountNamespace: UInt64?

    /// - Parameter mountNamespace: only processes that began in this namespace are of this host; nil: all are.
    package init(mountNamespace: UInt64? = nil) {
        self.mountNamespace = mountNamespace
    }

    package var count: Int { entries.count }

    // MARK: Notices

    /// Begins anew with what lives now.
    package mutating func reset(_ reader: some ProcessReader) {
        entries.removeAll(keepingCapacity: true)
        ended.removeAll()
        endedBefore.removeAll()
        var parents: [UInt32: UInt32] = [:]
        for pid in reader.all() {
            guard let facts = reader.facts(of: pid, login: nil) else { continue }
            entries[pid] = entry(facts, parent: nil)
            parents[pid] = facts.parent
        }
        guard mountNamespace != nil else { return }
        for pid in entries.keys where entries[pid]?.belongs == false {
            var (ancestor, steps) = (parents[pid], 0)
            while let next = ancestor, next != 0, steps < 1_000 {
                if entries[next]?.belongs == true {
                    entries[pid]?.belongs = true
                    break
                }
                (ancestor, steps) = (parents[next], steps + 1)
            }
        }
    }

    /// Takes a notice in the order of the kernel.
    package mutating func apply(_ notice: ProcessNotice, _ reader: some ProcessReader) {
        switch notice {
        case .forked(let parent, let child): fork(parent, child, reader)
        case .executed(let pid): execute(pid, reader)
        case .changedUser(let pid, let uid):
            entries[pid]?.uid = uid
            entries[pid]?.actor = nil
            askAgain(pid, reader)
        case .beganSession(let pid): askAgain(pid, reader)
        case .ended(let pid): ended.append(pid)
        case .acknowledged: break
        }
    }

    /// A batch is done that left no file event unread: forgets the processes whose end was known a batch ago, since nothing of
    /// them can come any more.
    package mutating func endBatch() {
        batch += 1
        for pid in endedBefore { entries[pid] = nil }
        swap(&ended, &endedBefore)
        ended.removeAll(keepingCapacity: true)
    }

    private mutating func fork(_ parent: UInt32, _ child: UInt32, _ reader: some ProcessReader) {
        // The number is in use again.
        ended.removeAll { $0 == child }
        endedBefore.removeAll { $0 == child }
        if entries[parent] == nil, let facts = reader.facts(of: parent, login: nil) {
            entries[parent] = entry(facts, parent: nil)
        }
        guard var entry = entries[parent] else {
            entries[child] = reader.facts(of: child, login: nil).map { self.entry($0, parent: nil) }
            return
        }
        if entry.login.uid == nil {
            // The child's own word counts; the parent's only when the child is gone.
            if let login = reader.login(of: child) {
                entry.login = login
            } else {
                askAgain(parent, reader)
                entry = entries[parent] ?? entry
            }
        }
        entry.actor = nil
        entries[child] = entry
    }

    private mutating func execute(_ pid: UInt32, _ reader: some ProcessReader) {
        let before = entries[pid]
        let login = before?.login.uid == nil ? nil : before?.login
        if let facts = reader.facts(of: pid, login: login) {
            entries[pid] = entry(facts, parent: before)
        } else {
            // Gone already: what it was called is not known, whom it acted for is.
            entries[pid]?.command = []
            entries[pid]?.executable = []
            entries[pid]?.actor = nil
        }
    }

    private mutating func askAgain(_ pid: UInt32, _ reader: some ProcessReader) {
        guard let entry = entries[pid], entry.login.uid == nil, let login = reader.login(of: pid),
            login != entry.login
        else { return }
        entries[pid]?.login = login
        entries[pid]?.actor = nil
    }

    private func entry(_ facts: ProcessFacts, parent: Entry?) -> Entry {
        Entry(
            uid: facts.uid, login: facts.login, command: facts.command, executable: facts.executable,
            isKernel: facts.isKernel, group: facts.group,
            belongs: mountNamespace == nil || facts.mountNamespace == mountNamespace
                || parent?.belongs == true)
    }

    // MARK: Questions

    /// Who a process acts for; nil: it is none of this host's.
    ///
    /// - Parameter connect: what is known of an audit session: Gatehouse's session and the connection.
    package mutating func actor(
        of pid: UInt32, _ reader: some ProcessReader,
        connect: (_ login: UInt32, _ auditSession: UInt32) -> (
            session: String?, connection: Actor.Connection?
        )
    ) -> Actor? {
        // Nearly always it is the writer of the event before.
        if let entry = entries[pid], let actor = entry.actor, entry.login.uid != nil || entry.asked == batch {
            return actor
        }
        guard pid != 0 else { return mountNamespace == nil ? Actor() : nil }
        if entries[pid] == nil {
            guard let facts = reader.facts(of: pid, login: nil) else {
                return mountNamespace == nil ? Actor(pid: pid) : nil
            }
            entries[pid] = entry(facts, parent: nil)
        }
        askAgain(pid, reader)
        entries[pid]?.asked = batch
        guard let entry = entries[pid], entry.belongs else { return nil }
        if let actor = entry.actor { return actor }
        var actor = Actor(
            uid: entry.uid, loginUID: entry.login.uid, auditSession: entry.login.auditSession, pid: pid,
            command: entry.command, executable: entry.executable, origin: origin(entry))
        if let login = entry.login.uid, let session = entry.login.auditSession {
            (actor.session, actor.connection) = connect(login, session)
        }
        entries[pid]?.actor = actor
        return actor
    }

    private func origin(_ entry: Entry) -> Actor.Origin {
        if entry.isKernel { return .kernel }
        if case .container(let identifier) = entry.group { return .container(identifier) }
        if let login = entry.login.uid { return login == entry.uid ? .login : .switchedUser }
        if case .service(let unit) = entry.group { return .service(unit) }
        return .unknown
    }
}
