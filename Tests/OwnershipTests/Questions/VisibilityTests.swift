import FileEvents
import Ownership
import Testing

/// A case of the table: who asks about a directory of alice (1) and the group lab (10).
struct VisibilityCell: CustomTestStringConvertible, Sendable {
    var what: String
    var mode: UInt32
    /// Entries as `tag id bits`; nil: unknown; empty: the mode alone.
    var list: [UInt8]? = []
    var uid: UInt32
    var groups: Set<UInt32> = []
    var mayPass: Bool
    var mayList: Bool

    var testDescription: String { what }
}

private let owner: UInt16 = 1
private let user: UInt16 = 2
private let owningGroup: UInt16 = 4
private let group: UInt16 = 8
private let mask: UInt16 = 16
private let other: UInt16 = 32

/// The kernel's attribute of entries.
private func attribute(_ entries: (tag: UInt16, id: UInt32, bits: UInt16)...) -> [UInt8] {
    entries.reduce(into: [2, 0, 0, 0]) { bytes, entry in
        for (value, count) in [(UInt32(entry.tag), 2), (UInt32(entry.bits), 2), (entry.id, 4)] {
            for byte in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * byte))) }
        }
    }
}

/// alice, her group, and what else the case is about; others may do nothing.
private func acl(
    group groupBits: UInt16 = 0, mask maskBits: UInt16 = 7, other otherBits: UInt16 = 0,
    _ more: (tag: UInt16, id: UInt32, bits: UInt16)...
) -> [UInt8] {
    var list = attribute((owner, .max, 7))
    for entry in more where entry.tag == user { list += attribute(entry)[4...] }
    list += attribute((owningGroup, .max, groupBits))[4...]
    for entry in more where entry.tag == group { list += attribute(entry)[4...] }
    return list + attribute((mask, .max, maskBits))[4...] + attribute((other, .max, otherBits))[4...]
}

private let alice: UInt32 = 1
private let bob: UInt32 = 2
private let lab: UInt32 = 10
private let guests: UInt32 = 11

private let table = [
    // The mode alone.
    VisibilityCell(what: "owner, rwx", mode: 0o700, uid: alice, mayPass: true, mayList: true),
    VisibilityCell(what: "owner, x", mode: 0o177, uid: alice, mayPass: true, mayList: false),
    VisibilityCell(what: "owner, r", mode: 0o477, uid: alice, mayPass: false, mayList: false),
    VisibilityCell(
        what: "owner without rights is not one of the group", mode: 0o077, uid: alice, groups: [lab],
        mayPass: false, mayList: false),
    VisibilityCell(what: "group, rwx", mode: 0o070, uid: bob, groups: [lab], mayPass: true, mayList: true),
    VisibilityCell(what: "group, x", mode: 0o717, uid: bob, groups: [lab], mayPass: true, mayList: false),
    VisibilityCell(
        what: "group without rights is not other", mode: 0o707, uid: bob, groups: [lab], mayPass: false,
        mayList: false),
    VisibilityCell(what: "other, rwx", mode: 0o007, uid: bob, groups: [guests], mayPass: true, mayList: true),
    VisibilityCell(what: "other, x", mode: 0o771, uid: bob, mayPass: true, mayList: false),
    VisibilityCell(what: "other, nothing", mode: 0o770, uid: bob, mayPass: false, mayList: false),
    // An ACL.
    VisibilityCell(
        what: "ACL user", mode: 0o770, list: acl((user, bob, 5)), uid: bob, mayPass: true, mayList: true),
    VisibilityCell(
        what: "ACL user, x", mode: 0o770, list: acl((user, bob, 1)), uid: bob, mayPass: true, mayList: false),
    VisibilityCell(
        what: "ACL of another user", mode: 0o770, list: acl((user, 3, 7)), uid: bob, mayPass: false,
        mayList: false),
    VisibilityCell(
        what: "ACL user without rights is neither of a group nor other", mode: 0o777,
        list: acl(group: 7, other: 7, (user, bob, 0)), uid: bob, groups: [lab], mayPass: false, mayList: false
    ),
    VisibilityCell(
        what: "ACL user beyond the mask", mode: 0o710, list: acl(mask: 1, (user, bob, 7)), uid: bob,
        mayPass: true, mayList: false),
    VisibilityCell(
        what: "ACL group", mode: 0o770, list: acl((group, guests, 5)), uid: bob, groups: [guests],
        mayPass: true, mayList: true),
    VisibilityCell(
        what: "ACL group beyond the mask", mode: 0o740, list: acl(mask: 4, (group, guests, 5)), uid: bob,
        groups: [guests], mayPass: false, mayList: false),
    VisibilityCell(
        what: "ACL group without rights is not other", mode: 0o777, list: acl(other: 7, (group, guests, 0)),
        uid: bob, groups: [guests], mayPass: false, mayList: false),
    VisibilityCell(
        what: "of two groups the one that may", mode: 0o770, list: acl(group: 0, (group, guests, 5)),
        uid: bob, groups: [lab, guests], mayPass: true, mayList: true),
    VisibilityCell(
        what: "the group's bits of the mode are the mask, not the group's rights", mode: 0o770,
        list: acl(group: 0, (user, 3, 7)), uid: bob, groups: [lab], mayPass: false, mayList: false),
    VisibilityCell(
        what: "the group within the mask", mode: 0o750, list: acl(group: 7, mask: 5, (user, 3, 7)), uid: bob,
        groups: [lab], mayPass: true, mayList: true),
    VisibilityCell(
        what: "other beside an ACL, which the mask does not touch", mode: 0o715,
        list: acl(mask: 1, other: 5, (user, 3, 7)), uid: bob, mayPass: true, mayList: true),
    VisibilityCell(
        what: "owner beside an ACL", mode: 0o710, list: acl(mask: 1, (user, alice, 0)), uid: alice,
        mayPass: true, mayList: true),
    VisibilityCell(
        what: "an empty mask turns the ACL off, as in the kernel", mode: 0o705,
        list: acl(mask: 0, other: 5, (user, bob, 0)), uid: bob, mayPass: true, mayList: true),
    // What is not known.
    VisibilityCell(
        what: "unknown ACL, owner", mode: 0o770, list: nil, uid: alice, mayPass: true, mayList: true),
    VisibilityCell(
        what: "unknown ACL, group", mode: 0o770, list: nil, uid: bob, groups: [lab], mayPass: false,
        mayList: false),
    VisibilityCell(
        what: "unknown ACL, other", mode: 0o777, list: nil, uid: bob, mayPass: false, mayList: false),
    VisibilityCell(
        what: "unknown ACL that cannot count", mode: 0o705, list: nil, uid: bob, mayPass: true, mayList: true),
    VisibilityCell(
        what: "not a directory", mode: 0o100777, uid: alice, mayPass: false,
        mayList: false),
    VisibilityCell(what: "nobody in particular, uid 0", mode: 0o700, uid: 0, mayPass: false, mayList: false),
]

@Suite("What a user may know of a file")
struct VisibilityTests {
    private func directory(_ mode: UInt32, _ list: [UInt8]? = []) -> DirectoryPermissions {
        DirectoryPermissions(
            mode: mode & 0o170000 == 0 ? 0o040000 | mode : mode, uid: alice, gid: lab, accessList: list)
    }

    @Test("is what the kernel would let them find out", arguments: table)
    func cell(_ cell: VisibilityCell) {
        let viewer = Viewer.person(uid: cell.uid, groups: cell.groups)
        #expect(Visibility.mayKnow(of: [directory(cell.mode, cell.list)], viewer) == cell.mayPass)
        #expect(Visibility.mayList([directory(cell.mode, cell.list)], viewer) == cell.mayList)
    }

    @Test("needs the right to pass through each directory on the way", arguments: 0..<3)
    func way(_ closed: Int) {
        let viewer = Viewer.person(uid: bob, groups: [])
        var way = [DirectoryPermissions?](repeating: directory(0o755), count: 3)
        #expect(Visibility.mayList(way, viewer))
        way[closed] = directory(0o744)
        #expect(!Visibility.mayKnow(of: way, viewer))
        #expect(!Visibility.mayList(way, viewer))
        way[closed] = nil
        #expect(!Visibility.mayKnow(of: way, viewer))
        way[closed] = directory(0o711)
        #expect(Visibility.mayKnow(of: way, viewer))
        #expect(Visibility.mayList(way, viewer) == (closed != 2))
    }

    @Test("of a deep directory depends on each one above it")
    func deep() throws {
        let test = try TestBook()
        func stat(_ inode: UInt64, _ mode: UInt32, at seconds: Double) -> FileStat {
            Sample.stat(inode: inode, mode: 0o040000 | mode, at: seconds)
        }
        func path(_ depth: Int) -> String { Array(repeating: "d", count: depth).joined(separator: "/") }
        func files() throws -> Int {
            try test.book.files(
                ListingFilter(uid: 30_000), limit: 10, for: .person(uid: 30_000, groups: [])
            ).count
        }
        let scans = try TestHost("communal1", stream: .scans)
        let events = try TestHost("communal1")
        _ = try test.book.ingest(
            try scans.segment([Sample.directory("", [], stat: stat(2, 0o705, at: 1), at: 1)]))
        let made = (1...300).map { depth in
            Sample.event(
                .directoryCreated, path(depth), at: 2 + Double(depth),
                stat: stat(10 + UInt64(depth), 0o705, at: 2))
        }
        let file = Sample.event(
            .created, path(300) + "/f", at: 400, stat: Sample.stat(inode: 5, uid: 30_000, at: 400))
        _ = try test.book.ingest(try events.segment(made + [file]))
        #expect(try files() == 1)
        let closed = Sample.event(.modeChanged, path(150), at: 500, stat: stat(160, 0o700, at: 500))
        _ = try test.book.ingest(try events.segment([closed]))
        #expect(try files() == 0)
    }

    @Test("is everything for auditors, administrators and the operator, whatever the book knows")
    func everything() {
        #expect(Visibility.mayKnow(of: [nil, directory(0, nil)], .everything))
        #expect(Visibility.mayList([nil, directory(0, nil)], .everything))
    }

    @Test("is nothing where an ACL is damaged", arguments: 0..<500)
    func damaged(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var list = acl(group: 7, other: 7, (user, bob, 7), (group, guests, 7))
        switch seed % 3 {
        case 0: list.removeLast(Int.random(in: 1...7, using: &generator))
        case 1: list[Int.random(in: 0..<4, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
        // A tag that there is not, or bits that there are not.
        default: list[4 + 8 * Int.random(in: 0..<6, using: &generator) + [1, 3][Int(seed % 2)]] = 9
        }
        let viewer = Viewer.person(uid: bob, groups: [lab, guests])
        #expect(!Visibility.mayKnow(of: [directory(0o777, list)], viewer))
        // Whatever the bytes are, there is an answer.
        let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
            UInt8.random(in: 0...32, using: &generator)
        }
        _ = Visibility.mayList([directory(0o777, bytes)], viewer)
    }
}
