import Accounts
import Directory
internal import FoundationEssentials
import Support

/// What is asked of the step on a host, and what it answers. Paths travel in base 64: they may hold any byte.
enum FileWork {
    static let program = StepProgram([
        ("acl", PackageResources.acl_py), ("paths", PackageResources.paths_py),
        ("trees", PackageResources.trees_py), ("shares", PackageResources.shares_py),
        ("transfer", PackageResources.transfer_py), ("work", PackageResources.work_py),
    ])

    static func run<Report: Decodable>(
        _ wanted: some Encodable, on host: Host, by executor: any HostExecutor
    ) throws -> Report {
        try program.run([UInt8](JSONEncoder().encode(wanted)), on: host, by: executor)
    }

    struct WantedTree: Encodable {
        var schema = 1
        var action = "tree"
        var path: Data
        var gid: UInt32?
        var create: Bool
        var adopt: Bool

        enum CodingKeys: String, CodingKey { case schema, action, path, gid, create, adopt }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(schema, forKey: .schema)
            try values.encode(action, forKey: .action)
            try values.encode(path, forKey: .path)
            // Null, not left out: the step asks for it.
            try values.encode(gid, forKey: .gid)
            try values.encode(create, forKey: .create)
            try values.encode(adopt, forKey: .adopt)
        }
    }

    struct TreeReport: Decodable {
        var changed: Bool
        var made: Bool?
        var remarks: [String]
    }

    struct WantedGrantee: Encodable {
        struct Person: Encodable {
            var uid: UInt32
            var groups: [UInt32]
        }

        var kind: String
        var id: UInt32
        /// The grantee, or the members of the group.
        var people: [Person]
    }

    struct WantedShare: Encodable {
        var schema = 1
        var action = "share"
        var tree: Data
        var path: Data
        /// The uid of whoever shares what is theirs; nil: an administrator.
        var caller: UInt32?
        var grantee: WantedGrantee
        var write: Bool

        enum CodingKeys: String, CodingKey { case schema, action, tree, path, caller, grantee, write }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(schema, forKey: .schema)
            try values.encode(action, forKey: .action)
            try values.encode(tree, forKey: .tree)
            try values.encode(path, forKey: .path)
            try values.encode(caller, forKey: .caller)
            try values.encode(grantee, forKey: .grantee)
            try values.encode(write, forKey: .write)
        }
    }

    struct ShareReport: Decodable {
        var owner: UInt32
        var inode: UInt64
        var reads: Bool
        var writes: Bool
        var count: Int
        var others: Int?
        var unreached: Int?
    }

    struct WantedUnshare: Encodable {
        var schema = 1
        var action = "unshare"
        var tree: Data
        var path: Data
        var inode: UInt64
        var grantee: WantedGrantee
    }

    struct UnshareReport: Decodable {
        var gone: Bool?
    }

    struct WantedTransfer: Encodable {
        struct Item: Encodable {
            var path: Data
            var inode: UInt64?
            var gid: UInt32?
        }

        var schema = 1
        var action = "transfer"
        var rehearsal: Bool
        var tree: Data
        var from: UInt32
        var to: UInt32
        /// The private groups of the two.
        var fromGroup: UInt32
        var toGroup: UInt32
        var items: [Item]

        enum CodingKeys: String, CodingKey {
            case schema, action, rehearsal, tree, from, to, items
            case fromGroup = "from_gid"
            case toGroup = "to_gid"
        }
    }

    struct TransferReport: Decodable {
        struct Item: Decodable {
            /// What the file's group was, when it changed hands.
            var gid: UInt32?
            var inode: UInt64?
            /// Why it did not.
            var why: String?
        }

        var items: [Item]
    }
}
