import Audit
import Commands
import Directory
import FileEvents
import Ownership
import SSHKeys
import Support

/// A tree of which the book knows a little: what is in it is written as its users would have done it.
///
/// alice's `results.csv` is in `open`, where everybody may look; `closed` is bob's alone. uid 4711 is nobody's.
extension Gateway {
    static let tree = Array("/shared/lab".utf8)
    static let session = "01JD000000000000000000000A"

    /// Microseconds of the book, so many seconds before `now`.
    static func ago(_ seconds: Int64) -> Int64 { (now.milliseconds - seconds * 1_000) * 1_000 }

    func fillBook() throws {
        let directory = services.directory
        try directory.addTree(NewTree("/shared/lab", group: "lab", targets: ["communal1"]), at: Self.now)
        try services.events.start(
            Session(
                id: Self.session, clientAddress: "192.0.2.77",
                started: Timestamp(milliseconds: Self.ago(4_000) / 1_000)))
        try services.events.update(Self.session, SessionUpdate(user: "alice", host: "communal1"))
        let people = try Dictionary(uniqueKeysWithValues: directory.users().map { ($0.name, $0.uid) })
        let alice = people["alice"] ?? 0
        let bob = people["bob"] ?? 0
        let lab = try directory.group("lab").gid
        try deliver(
            try segments(
                stream: .scans,
                [
                    .scan(ScanReport(scan: 1, tree: Self.tree, phase: .begins, time: Self.ago(9_000))),
                    report(
                        "", 2, 0o042775, 0, lab,
                        [
                            entry("open", 3, 0o040755, alice, lab), entry("closed", 4, 0o040700, bob, bob),
                        ]),
                    report(
                        "open", 3, 0o040755, alice, lab,
                        [
                            entry("old.bin", 10, 0o100644, alice, lab, size: 5_000_000_000),
                            entry("orphan", 11, 0o100644, 4_711, lab, size: 70),
                        ]),
                    report(
                        "closed", 4, 0o040700, bob, bob,
                        [
                            entry("secret", 12, 0o100600, bob, bob, size: 300),
                            entry("alices", 13, 0o100644, alice, lab, size: 9),
                        ]),
                    .scan(ScanReport(scan: 1, tree: Self.tree, phase: .completed, time: Self.ago(8_990))),
                ]))
        let writer = Actor(
            uid: alice, loginUID: alice, auditSession: 3, pid: 99, command: Array("python3".utf8),
            executable: Array("/usr/bin/python3".utf8), origin: .login, session: Self.session)
        let sudo = Actor(
            uid: 0, loginUID: alice, auditSession: 3, pid: 100, command: Array("chown".utf8),
            origin: .switchedUser,
            session: Self.session)
        try deliver(
            try segments(
                stream: .events,
                [
                    .gap(Gap(tree: nil, from: Self.ago(9_500), until: Self.ago(9_400), reason: .reboot)),
                    .coverage(
                        Coverage(
                            tree: Self.tree, extent: .everything, fileSystem: "ext4", time: Self.ago(9_400))),
                    event(
                        .created, "open/.tmp1", at: 3_700, stat(20, 0o100644, alice, lab, 10, 3_700), writer),
                    event(
                        .renamed, "open/.tmp1", to: "open/results.csv", at: 3_699,
                        stat(20, 0o100644, alice, lab, 10, 3_700), writer),
                    event(
                        .modeChanged, "open/old.bin", at: 60, stat(10, 0o100644, bob, lab, 5_000_000_000, 60),
                        sudo),
                    event(.written, "closed/secret", at: 50, stat(12, 0o100600, bob, bob, 301, 50), sudo),
                    event(
                        .created, "open/new\nline\u{1B}[31m", at: 40, stat(21, 0o100644, alice, lab, 1, 40),
                        writer),
                ]))
    }

    private func deliver(_ segment: SegmentReader) throws {
        _ = try services.book.change { try $0.ingest(segment, at: Self.now) }
    }

    private func segments(stream: SegmentHeader.Stream, _ records: [Record]) throws -> SegmentReader {
        let key = try PrivateKey.generate()
        var writer = SegmentWriter(
            SegmentHeader(
                host: "communal1", boot: [UInt8](repeating: 7, count: 16), stream: stream, number: 1,
                firstSequence: 1, previous: SegmentHeader.noPrevious, created: Self.ago(9_500)))
        for record in records { writer.append(record) }
        let start = writer.start
        return try SegmentReader(start + (try writer.finish(key).bytes), signedBy: key.publicKey)
    }

    private func stat(
        _ inode: UInt64, _ mode: UInt32, _ uid: UInt32, _ gid: UInt32, _ size: UInt64, _ ago: Int64
    ) -> FileStat {
        FileStat(
            inode: inode, mode: mode, uid: uid, gid: gid, links: 1, size: size, blocks: 8,
            modified: Self.ago(ago) * 1_000, changed: Self.ago(ago) * 1_000)
    }

    private func entry(
        _ name: String, _ inode: UInt64, _ mode: UInt32, _ uid: UInt32, _ gid: UInt32, size: UInt64 = 0
    ) -> FileEntry {
        FileEntry(name: Array(name.utf8), stat: stat(inode, mode, uid, gid, size, 100 * 86_400))
    }

    private func report(
        _ path: String, _ inode: UInt64, _ mode: UInt32, _ uid: UInt32, _ gid: UInt32, _ entries: [FileEntry]
    ) -> Record {
        .directory(
            DirectoryReport(
                scan: 1, tree: Self.tree, path: Array(path.utf8), time: Self.ago(8_995),
                stat: stat(inode, mode, uid, gid, 4_096, 9_000), accessList: [], entries: entries))
    }

    private func event(
        _ kind: FileEvent.Kind, _ path: String, to destination: String? = nil, at ago: Int64,
        _ stat: FileStat,
        _ actor: Actor
    ) -> Record {
        let (directory, name) = Book.split(Array(path.utf8))
        let target = destination.map { Book.split(Array($0.utf8)) }
        return .event(
            FileEvent(
                time: Self.ago(ago), kind: kind, tree: Self.tree, directory: directory, name: name,
                destination: target.map { FileEvent.Destination(directory: $0.directory, name: $0.name) },
                stat: stat,
                actor: actor))
    }
}
