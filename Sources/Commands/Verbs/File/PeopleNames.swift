import Directory

/// What uids and gids are called, in the directory.
struct PeopleNames: Sendable {
    private let users: [UInt32: User]
    private let groups: [UInt32: String]

    init(_ directory: DirectoryStore) throws {
        users = Dictionary(try directory.users().map { ($0.uid, $0) }) { first, _ in first }
        groups = Dictionary(try directory.groups().map { ($0.gid, $0.name) }) { first, _ in first }
    }

    func user(_ uid: UInt32) -> User? { users[uid] }

    /// The name of a user; root's too, which is no person.
    func userName(_ uid: UInt32) -> String? { users[uid]?.name ?? (uid == 0 ? "root" : nil) }

    /// The name of a shared group, or of the user whose private group it is.
    func groupName(_ gid: UInt32) -> String? {
        groups[gid] ?? users[gid]?.name ?? (gid == 0 ? "root" : nil)
    }

    /// `alice (20000)`; `uid 20000` for nobody that is known.
    func shownUser(_ uid: UInt32) -> String {
        userName(uid).map { "\($0) (\(uid))" } ?? "uid \(uid)"
    }

    /// `lab (20002)`; `gid 20002` for no group that is known.
    func shownGroup(_ gid: UInt32) -> String {
        groupName(gid).map { "\($0) (\(gid))" } ?? "gid \(gid)"
    }
}
