internal import SQLite
package import SSHKeys
package import Support

extension EventLog {
    private static let step = 10_000
    /// So far from its place an event is looked for.
    private static let reach: Int64 = 1_000

    /// Looks whether all events are as they were noted.
    ///
    /// Reads in steps, so that events can be noted meanwhile.
    /// - Parameters:
    ///   - key: has signed the checkpoints.
    ///   - others: checkpoints that were kept elsewhere.
    ///   - isFast: only the newest checkpoint in the log, and what came after.
    package func check(
        signedBy key: PublicKey, and others: [Checkpoint] = [], isFast: Bool = false
    ) throws -> ChainReport {
        var report = ChainReport()
        let known = try read { try $0.checkpoints(newest: isFast ? 1 : .max) }
        for row in known where Checkpoint(in: row.line)?.event != row.event {
            report.note(checkpoint: .unsigned(row.event))
        }
        // Before the walk: what is noted meanwhile was not there.
        var highest = try read { try $0.highestEventID() }
        var link = Link(id: 0, hash: EventChain.start)
        for (checkpoint, isOurs) in known.compactMap({ Checkpoint(in: $0.line) }).map({ ($0, true) })
            + others.map({ ($0, false) })
        {
            guard checkpoint.isSigned(by: key) else {
                // A log may hold those of several gateways.
                if isOurs {
                    report.note(checkpoint: .unsigned(checkpoint.event))
                } else {
                    report.foreign += 1
                }
                continue
            }
            report.checkpoints += 1
            highest = max(highest, checkpoint.event)
            guard let hash = try read({ try $0.hash(of: checkpoint.event) }),
                Checkpoint.hexadecimal(hash) == checkpoint.hash
            else {
                report.note(checkpoint: .contradicted(checkpoint.event))
                continue
            }
            report.lastCheckpoint = max(report.lastCheckpoint, checkpoint.event)
            if isFast { link = Link(id: checkpoint.event, hash: hash) }
        }
        for id in try read({ try $0.eventIDsBeforeTheFirst() }) { report.note(.changed(id)) }
        while case let rows = try links(after: link.id), !rows.isEmpty {
            for row in rows {
                if report.count == 0 { report.first = row.id }
                report.count += 1
                try follow(row, link, into: &report)
                link = Link(id: row.id, hash: row.hash)
            }
        }
        report.last = link.id
        if highest > link.id { report.note(.cut(after: link.id, of: highest)) }
        return report
    }

    /// Signs the end of the chain, if there is something new since the last time.
    ///
    /// - Returns: the checkpoint, which is in the log; nil: there is nothing new.
    /// - Throws: `KeyError`, `SQLiteError`.
    package func addCheckpoint(signedBy key: PrivateKey, at time: Timestamp = .now) throws -> Checkpoint? {
        // What others are told must not be forgotten here.
        try writeThrough { database in
            let present = "SELECT 1 FROM event_checkpoints WHERE event = ?1"
            guard let end = try database.end(), try database.first(present, [end.id], { _ in true }) == nil
            else {
                return nil
            }
            let checkpoint = try Checkpoint(event: end.id, hash: end.hash, at: time, signedBy: key)
            try database.run("INSERT INTO event_checkpoints VALUES (?1, ?2)", end.id, checkpoint.line)
            return checkpoint
        }
    }

    /// Goes on with a log that is not as it was noted: notes that, and signs it.
    ///
    /// Checkpoints of events that are not there any more go; `event` should say what they said.
    /// - Throws: `KeyError`, `SQLiteError`.
    package func reseal(with event: Event, signedBy key: PrivateKey) throws {
        try writeThrough { database in
            let id = try database.insert(event)
            guard let hash = try database.hash(of: id) else { return }
            let checkpoint = try Checkpoint(event: id, hash: hash, at: event.time, signedBy: key)
            try database.run("DELETE FROM event_checkpoints WHERE event >= ?1", id)
            try database.run("INSERT INTO event_checkpoints VALUES (?1, ?2)", id, checkpoint.line)
        }
    }

    /// Whether any checkpoint was ever made.
    package func hasCheckpoints() throws -> Bool { try read { try !$0.checkpoints(newest: 1).isEmpty } }

    private func links(after id: Int64) throws -> [EventChain.Row] {
        try read { try $0.links(after: id, limit: Self.step) }
    }

    /// Where the chain is.
    private struct Link {
        var id: Int64
        var hash: [UInt8]
    }

    /// Looks at one event after another.
    private func follow(_ row: EventChain.Row, _ link: Link, into report: inout ChainReport) throws {
        // Ids are given without gaps.
        let isNext = row.id - 1 == link.id
        if !isNext { report.note(.removed(after: link.id, before: row.id)) }
        guard EventChain.hash(row, at: row.id) == row.hash else {
            // A row that was given another's place is whole there.
            let near = Self.near(row.id)
            if !report.isFull, let place = near.first(where: { EventChain.hash(row, at: $0) == row.hash }) {
                return report.note(.moved(row.id, from: place))
            }
            return report.note(.changed(row.id))
        }
        if row.previous == link.hash || !isNext { return }
        // This one is what it was: what it followed was written anew, or has been moved, which is said of that one.
        if try report.isFull || place(of: row.previous, near: row.id) == nil
            || read({ try $0.isTrue(at: link.id) })
        {
            report.note(.changed(link.id))
        }
    }

    private static func near(_ id: Int64) -> ClosedRange<Int64> {
        max(1, id - reach)...min(id, .max - reach) + reach
    }

    /// The event with this hash, where the chain begins for none; nil: there is none near.
    private func place(of hash: [UInt8], near id: Int64) throws -> Int64? {
        if hash == EventChain.start { return 0 }
        let near = Self.near(id)
        return try read {
            try $0.first(
                "SELECT id FROM events WHERE id BETWEEN ?2 AND ?3 AND hash = ?1",
                [hash, near.lowerBound, near.upperBound]
            ) { $0.integer(0) }
        }
    }
}

extension Database {
    /// In the order of events.
    fileprivate func checkpoints(newest count: Int) throws -> [(event: Int64, line: String)] {
        try rows("SELECT event, line FROM event_checkpoints ORDER BY event DESC LIMIT ?1", [count]) {
            ($0.integer(0), $0.text(1))
        }.reversed()
    }

    fileprivate func hash(of event: Int64) throws -> [UInt8]? {
        try first("SELECT hash FROM events WHERE id = ?1", [event]) { $0.optional(0, $0.blob) } ?? nil
    }

    fileprivate func end() throws -> (id: Int64, hash: [UInt8])? {
        try first("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1") { ($0.integer(0), $0.blob(1)) }
    }

    /// Of any event that ever was, as SQLite remembers.
    fileprivate func highestEventID() throws -> Int64 {
        try first("SELECT seq FROM sqlite_sequence WHERE name = 'events'") { $0.integer(0) } ?? 0
    }

    /// What somebody has put where no event can be.
    fileprivate func eventIDsBeforeTheFirst() throws -> [Int64] {
        try rows("SELECT id FROM events WHERE id < 1 ORDER BY id LIMIT 100") { $0.integer(0) }
    }

    /// Whether the row at `id` is what it says.
    fileprivate func isTrue(at id: Int64) throws -> Bool {
        guard let row = try links(after: id - 1, limit: 1).first, row.id == id else { return false }
        return EventChain.hash(row, at: id) == row.hash
    }
}
