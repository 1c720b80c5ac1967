import FileEvents
import Ownership
import SQLite
import TestSupport
import Testing

@Suite("The book's state")
struct BookStateTests {
    @Test("tells the entry at a path, with invalid UTF-8 and newlines in names")
    func lookup() throws {
        let fixture = try BookFixture()
        let book = fixture.book
        let hostile: [UInt8] = [0xFF, 10, 0x80, 27]
        try book.write {
            try book.replaceDirectory(
                [], stat: directoryStat(1), entries: [entry("a", directoryStat(2, uid: 5))], asOf: 1,
                fixture.look)
            try book.replaceDirectory(
                bytes("a"), stat: directoryStat(2, uid: 5),
                entries: [
                    entry("b", fileStat(3, uid: 7)), FileEntry(name: hostile, stat: fileStat(4, uid: 8)),
                ],
                asOf: 1, fixture.look)
        }
        #expect(try book.entry(at: bytes("a/b"), in: fixture.tree.id)?.stat == fileStat(3, uid: 7))
        #expect(try book.entry(at: bytes("a/") + hostile, in: fixture.tree.id)?.stat.uid == 8)
        #expect(try book.entry(at: bytes("a"), in: fixture.tree.id)?.stat == directoryStat(2, uid: 5))
        #expect(try book.entry(at: [], in: fixture.tree.id)?.stat == directoryStat(1))
        #expect(try book.entry(at: bytes("a/c"), in: fixture.tree.id) == nil)
        #expect(try book.entry(at: bytes("x/c"), in: fixture.tree.id) == nil)
    }

    @Test("refuses what is not a path below a tree", arguments: ["/a", "a/", "a//b", "a/../b", "."])
    func badPath(_ path: String) throws {
        let fixture = try BookFixture()
        #expect(throws: BookError.self) { try fixture.book.entry(at: bytes(path), in: fixture.tree.id) }
    }

    /// One directory with three files, then another state of it.
    private func changes(
        _ fixture: BookFixture, _ after: [FileEntry],
        before: [FileEntry] = [
            entry("a", fileStat(2)), entry("b", fileStat(3)), entry("c", fileStat(4)),
        ]
    ) throws -> [Change] {
        let book = fixture.book
        return try book.write {
            var look = fixture.look
            look.recordsChanges = false
            try book.replaceDirectory([], stat: directoryStat(1), entries: before, asOf: 1, look)
            return try book.replaceDirectory(
                [], stat: directoryStat(1, modified: 9), entries: after, asOf: 2, fixture.look)
        }
    }

    @Test("tells what was created, deleted, renamed, changed")
    func differences() throws {
        let fixture = try BookFixture()
        let found = try changes(
            fixture,
            [
                entry("a", fileStat(2, uid: 9)), entry("b2", fileStat(3)),
                entry("new", fileStat(5)), entry("c", fileStat(4, size: 11, modified: 6, mode: 0o100600)),
            ])
        let kinds = found.filter { $0.name != [] }.map {
            "\($0.kind) \(String(decoding: $0.name, as: UTF8.self))"
        }
        #expect(
            Set(kinds) == ["ownerChanged a", "renamed b2", "created new", "modified c", "modeChanged c"])
        #expect(found.first { $0.kind == .renamed }?.origin?.name == bytes("b"))
        #expect(found.first { $0.kind == .ownerChanged }?.old?.uid == 1_000)
        let kept = try fixture.book.changes(
            of: bytes("b"), in: fixture.book.directory(at: [], in: 1)?.id ?? 0)
        #expect(kept.map(\.change.kind) == [.renamed])
    }

    @Test("takes a used inode with other contents for another file")
    func reusedInode() throws {
        let found = try changes(
            try BookFixture(),
            [entry("a", fileStat(2)), entry("b", fileStat(3)), entry("d", fileStat(4, size: 99))])
        #expect(found.filter { $0.name != [] }.map(\.kind) == [.deleted, .created])
    }

    @Test("keeps a report that was repeated or came late from turning it back")
    func lateReport() throws {
        let fixture = try BookFixture()
        let book = fixture.book
        _ = try changes(fixture, [entry("z", fileStat(9))])
        let late = try book.write {
            try book.replaceDirectory(
                [], stat: directoryStat(1), entries: [entry("a", fileStat(2))], asOf: 1, fixture.look)
        }
        #expect(late.isEmpty)
        #expect(try book.entry(at: bytes("z"), in: fixture.tree.id) != nil)
    }

    @Test(
        "follows a directory to its new place, whichever of the two reports comes first",
        arguments: [true, false])
    func movedDirectory(_ newPlaceFirst: Bool) throws {
        let fixture = try BookFixture()
        let book = fixture.book
        let moved = directoryStat(5)
        try book.write {
            var look = fixture.look
            look.recordsChanges = false
            let two = [entry("a", directoryStat(2)), entry("b", directoryStat(3))]
            try book.replaceDirectory([], stat: directoryStat(1), entries: two, asOf: 1, look)
            try book.replaceDirectory(
                bytes("a"), stat: directoryStat(2), entries: [entry("x", moved)], asOf: 1, look)
            try book.replaceDirectory(bytes("b"), stat: directoryStat(3), entries: [], asOf: 1, look)
            try book.replaceDirectory(
                bytes("a/x"), stat: moved, entries: [entry("f", fileStat(6))], asOf: 1, look)
        }
        let id = try book.directory(at: bytes("a/x"), in: fixture.tree.id)?.id
        var found: [Change] = []
        for isNew in newPlaceFirst ? [true, false] : [false, true] {
            found += try book.write {
                isNew
                    ? try book.replaceDirectory(
                        bytes("b"), stat: directoryStat(3, modified: 8), entries: [entry("y", moved)],
                        asOf: 2,
                        fixture.look)
                    : try book.replaceDirectory(
                        bytes("a"), stat: directoryStat(2, modified: 8), entries: [], asOf: 2, fixture.look)
            }
        }
        #expect(found.map(\.kind) == [.renamed])
        #expect(try book.directory(at: bytes("b/y"), in: fixture.tree.id)?.id == id)
        #expect(try book.entry(at: bytes("b/y/f"), in: fixture.tree.id)?.stat == fileStat(6))
        #expect(try book.entry(at: bytes("a/x/f"), in: fixture.tree.id) == nil)
        let (a, b) = (
            try book.directory(at: bytes("a"), in: 1), try book.directory(at: bytes("b"), in: 1)
        )
        #expect(try book.beneath(a?.id ?? 0).files == 0)
        #expect(try book.beneath(b?.id ?? 0).files == 1)
    }

    @Test("tells of everything below a directory that is gone, at the end of the scan")
    func goneDirectory() throws {
        let fixture = try BookFixture()
        let book = fixture.book
        let scan = try book.write {
            var look = fixture.look
            look.recordsChanges = false
            try book.replaceDirectory(
                [], stat: directoryStat(1), entries: [entry("a", directoryStat(2))], asOf: 1, look)
            try book.replaceDirectory(
                bytes("a"), stat: directoryStat(2),
                entries: [entry("f", fileStat(6)), entry("s", directoryStat(7))], asOf: 1, look)
            try book.replaceDirectory(
                bytes("a/s"), stat: directoryStat(7), entries: [entry("g", fileStat(8))], asOf: 1, look)
            var tree = fixture.tree
            tree.scanned = 1
            return try book.beginScan(of: tree, at: 10)
        }
        try book.write {
            try book.replaceDirectory(
                [], stat: directoryStat(1, modified: 8), entries: [], asOf: 11, book.look(scan, fixture.tree))
            try book.finishScan(scan, at: 12)
        }
        let found = try book.changes(of: scan.id)
        #expect(Set(found.map { String(decoding: $0.change.name, as: UTF8.self) }) == ["a", "f", "s", "g"])
        #expect(found.allSatisfy { $0.change.kind == .deleted })
        let places = try found.map {
            String(decoding: try book.path(of: $0.change.directory).path, as: UTF8.self)
        }
        #expect(Set(places) == ["", "a", "a/s"])
        #expect(try book.usage().isEmpty)
    }

    @Test("does not take a directory for gone that was found elsewhere before the one it was in was given up")
    func movedOutOfGoneDirectory() throws {
        let fixture = try BookFixture()
        let book = fixture.book
        let (outer, inner) = (directoryStat(2), directoryStat(7))
        let scan = try book.write {
            var look = fixture.look
            look.recordsChanges = false
            try book.replaceDirectory([], stat: directoryStat(1), entries: [entry("a", outer)], asOf: 1, look)
            try book.replaceDirectory(bytes("a"), stat: outer, entries: [entry("s", inner)], asOf: 1, look)
            try book.replaceDirectory(bytes("a/s"), stat: inner, entries: [], asOf: 1, look)
            var tree = fixture.tree
            tree.scanned = 1
            return try book.beginScan(of: tree, at: 10)
        }
        try book.write {
            try book.replaceDirectory(
                [], stat: directoryStat(1, modified: 8), entries: [entry("t", inner)], asOf: 11,
                book.look(scan, fixture.tree))
            try book.finishScan(scan, at: 12)
        }
        let found = try book.changes(of: scan.id).filter { $0.change.name != [] }
        #expect(
            Set(found.map { "\($0.change.kind) \(String(decoding: $0.change.name, as: UTF8.self))" })
                == ["renamed t", "deleted a"])
    }

    @Test("counts the bytes of a file with several names once, also while names come and go")
    func hardLinks() throws {
        let fixture = try BookFixture()
        let book = fixture.book
        func put(_ names: [String], size: UInt64, time: Int64) throws {
            try book.write {
                try book.replaceDirectory(
                    [], stat: directoryStat(1, modified: time),
                    entries: names.map { entry($0, fileStat(9, size: size, links: UInt32(names.count + 1))) },
                    asOf: time, fixture.look)
            }
        }
        try put(["a", "b", "c"], size: 100, time: 1)
        #expect(try book.usage().map(\.figures.bytes) == [100])
        #expect(try book.usage().map(\.figures.files) == [3])
        try put(["a", "c"], size: 500, time: 2)
        #expect(try book.usage().map(\.figures.bytes) == [500])
        try put([], size: 0, time: 3)
        #expect(try book.usage().isEmpty)
    }

    @Test("takes single names from events, and directories that nobody has read yet")
    func events() throws {
        let fixture = try BookFixture()
        let book = fixture.book
        let found = try book.write {
            try book.apply([bytes("f"): fileStat(9)], to: bytes("p/q"), asOf: 5, fixture.look)
        }
        #expect(found.map(\.kind) == [.created])
        #expect(try book.entry(at: bytes("p/q/f"), in: fixture.tree.id)?.stat == fileStat(9))
        let again = try book.write {
            try book.apply([bytes("f"): fileStat(9)], to: bytes("p/q"), asOf: 5, fixture.look)
        }
        #expect(again.isEmpty)
        let owner = try book.write {
            try book.apply([bytes("f"): fileStat(9, uid: 3)], to: bytes("p/q"), asOf: 6, fixture.look)
        }
        #expect(owner.map(\.kind) == [.ownerChanged])
        _ = try book.write { try book.moveDirectory(bytes("p/q"), to: bytes("r"), asOf: 7, fixture.look) }
        let gone = try book.write {
            try book.apply([bytes("f"): nil], to: bytes("p/q"), asOf: 8, fixture.look)
        }
        #expect(gone.map(\.kind) == [.deleted])
        #expect(try book.usage().allSatisfy { $0.figures.files == 0 })
    }

    @Test("is refused when a newer program made it")
    func futureVersion() throws {
        let fixture = try BookFixture()
        let database = try Database(path: fixture.folder.file)
        try database.run("INSERT INTO migration VALUES ('book', 99, 0)")
        #expect(throws: SQLiteError.self) { try Book(path: fixture.folder.file) }
    }
}
