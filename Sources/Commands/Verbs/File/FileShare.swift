import Audit
import Directory
import Sharing
import Support

/// Shares a file or folder: `file share PATH USER|GROUP [--write] [--until TIME]`.
package struct FileShare: DaemonCommand {
    package static let words = ["file", "share"]
    package static let summary = "Let somebody read, or write, a file or folder of yours"
    package static let usage = "PATH USER|GROUP [--write] [--until TIME] [--json]"
    package static let examples = [
        "file share /shared/lab/results bob", "file share /shared/lab/draft.md writers --write --until 3d",
    ]
    package static let audience = Audience.everyone

    private let path: String
    private let name: String
    private let writes: Bool
    private let end: EndTime?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        writes = words.flag("--write")
        if let text = try words.option("--until") { end = try EndTime(text) } else { end = nil }
        path = try words.positional("PATH")
        name = try words.positional("USER|GROUP")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let now = context.services.now()
        let until = end?.resolved(from: now)
        if let until, until <= now { throw UsageError("--until is in the past") }
        let outcome = try context.services.hostWork.sharing.share(
            path, with: try context.directory.grantee(name), writes: writes, until: until,
            caller: try context.owner(), creator: context.caller.description, at: now)
        try context.note(.fileShared, outcome.share.detail)
        return try context.show(
            json: isJSON,
            [
                "share": .object(outcome.share.json), "reads": .boolean(outcome.reads),
                "writes": .boolean(outcome.writes), "count": .integer(outcome.count),
                "others": .integer(outcome.others), "unreached": .integer(outcome.unreached),
                "host": .string(outcome.host),
            ], text: Self.text(outcome))
    }

    private static func text(_ outcome: ShareOutcome) -> String {
        let share = outcome.share
        let rights =
            outcome.writes ? "reads and writes" : outcome.reads ? "reads" : "can neither read nor write"
        var text = "\(share.grantee.name) \(rights) \(share.shownPath.printable)"
        if outcome.count > 1 { text += " and \(outcome.count - 1) files and folders in it" }
        text += share.until.map { ", until \($0)\n" } ?? "\n"
        if outcome.others > 0 {
            text += "\(outcome.others) in it belong to others, or are links: they are not shared\n"
        }
        if share.grantee.isGroup, outcome.unreached > 0 {
            text += "\(outcome.unreached) members of \(share.grantee.name) may not pass a folder on the way\n"
        }
        return text
    }
}

/// Lists what is shared: `file shares [PATH] [--json]`.
package struct FileShares: DaemonCommand {
    package static let words = ["file", "shares"]
    package static let summary = "List what you share and what is shared with you"
    package static let usage = "[PATH] [--json]"
    package static let audience = Audience.everyone

    private let path: String?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        path = try words.optionalPositional()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let owner = try context.owner()
        let groups = try owner.map { Set(try context.directory.groups(of: $0.name).map(\.gid)) } ?? []
        let shares = try context.services.hostWork.ledger.liveShares().filter { share in
            if let path, share.shownPath != path, !share.shownPath.hasPrefix(path + "/") { return false }
            guard let owner else { return true }
            if share.owner == owner.uid || share.creator == owner.name { return true }
            switch share.grantee {
            case .user(let uid, _): return uid == owner.uid
            case .group(let gid, _): return groups.contains(gid)
            }
        }
        let names = Dictionary(
            uniqueKeysWithValues: try context.directory.users().map { ($0.uid, $0.name) })
        var table = Table("ID", "PATH", "OWNER", "WITH", "RIGHTS", "UNTIL")
        for share in shares {
            table.add(
                String(share.id), share.shownPath, names[share.owner] ?? String(share.owner),
                share.grantee.name, share.writes ? "write" : "read", share.until?.description ?? "")
        }
        return try context.show(
            json: isJSON, ["shares": .array(shares.map { .object($0.json) })], text: table.text)
    }
}

/// Ends a share: `file unshare PATH USER|GROUP`.
package struct FileUnshare: DaemonCommand {
    package static let words = ["file", "unshare"]
    package static let summary = "Share a file or folder of yours no more"
    package static let usage = "PATH USER|GROUP | ID"
    package static let examples = ["file unshare /shared/lab/results bob", "file unshare 12"]
    package static let audience = Audience.everyone

    private let path: String
    private let name: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        path = try words.positional("PATH")
        name = try words.optionalPositional()
        try words.finish()
        if name == nil, Int64(path) == nil { throw UsageError("USER|GROUP is missing") }
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let owner = try context.owner()
        let shares = try context.services.hostWork.ledger.liveShares().filter { share in
            guard owner == nil || share.owner == owner?.uid || share.creator == owner?.name else {
                return false
            }
            guard let name else { return String(share.id) == path }
            return share.shownPath == path && share.grantee.name == name
        }
        guard let share = shares.first else {
            throw CommandError(.notFound, "you have no such share", hint: "see 'file shares'")
        }
        let wasThere = try context.services.hostWork.sharing.unshare(share, at: context.services.now())
        try context.note(.fileUnshared, share.detail)
        try context.terminal.outLine(
            "\(share.shownPath.printable) is not shared with \(share.grantee.name) any more")
        if !wasThere { try context.terminal.errLine("it is not there any more") }
        return .success
    }
}

extension CommandContext {
    /// Whose files the caller may share: their own; nil: everybody's.
    func owner() throws -> User? {
        if caller.isAdministrator { return nil }
        return try directory.user(ownName(insteadUse: "file shares"))
    }
}

extension DirectoryStore {
    /// Who has a name that is typed where a person or a group may stand.
    func grantee(_ name: String) throws -> Grantee {
        if let user = try findUser(name), user.state != .left { return .user(uid: user.uid, name: user.name) }
        if let group = try groups().first(where: { $0.name == name }) {
            return .group(gid: group.gid, name: group.name)
        }
        throw CommandError(.notFound, "there is no user or group '\(name.printable)'")
    }
}

extension Share {
    var json: [String: JSON] {
        [
            "id": .number(id), "path": .string(shownPath), "tree": .string(tree),
            "owner_uid": .integer(owner), "with": .string(grantee.name),
            "kind": .string(grantee.isGroup ? "group" : "user"), "write": .boolean(writes),
            "until": .time(until), "created": .time(created), "by": .string(creator),
        ]
    }

    /// For the event log.
    package var detail: [String: String] {
        var detail = [
            "share": String(id), "path": shownPath, "with": grantee.name, "rights": writes ? "write" : "read",
            "owner_uid": String(owner),
        ]
        detail["until"] = until?.description
        return detail
    }
}
