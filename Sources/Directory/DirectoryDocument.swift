internal import FoundationEssentials
internal import Support

/// The directory as JSON: everything, also what is gone for good.
///
/// Keys may be added in later versions, none is removed. What is optional here may be left out of a document written by hand.
struct DirectoryDocument: Codable {
    /// What can be read. The second one is that of a document with a grant of which a program that knows the first one alone
    /// would not see what it does not permit: that program has to refuse it. The third one is the same for what a grant requires, the
    /// fourth one for the networks of grants and users.
    static let schemas = 1...4

    var schema = Self.schemas.lowerBound
    var marks: Marks?
    var users: [UserEntry]?
    var groups: [GroupEntry]?
    var hosts: [HostEntry]?
    var pools: [PoolEntry]?
    var grants: [GrantEntry]?
    var revokedKeys: [KeyEntry]?
    var authorities: [AuthorityEntry]?
    var revokedCertificates: [RevocationEntry]?
    var trees: [TreeEntry]?
    var watchers: [WatcherEntry]?
    var inventory: [SourceEntry]?
    var removedInstances: [RemovedEntry]?
    var accessRequests: [RequestEntry]?

    /// The highest number and the highest grant id that were given out.
    struct Marks: Codable {
        var number: Int64
        var grant: Int64
        var request: Int64?
    }

    struct UserEntry: Codable {
        var uid: Int64
        var name: String
        var fullName: String?
        var shell: String?
        var state: String?
        var admin: Bool?
        var auditor: Bool?
        /// Networks: `10.0.0.0/8`; left out: all.
        var allowFrom: [String]?
        var created: String?
        var keys: [KeyEntry]?
        /// The host or pool that they have chosen as their default.
        var pin: String?
        var totp: CodeEntry?
    }

    /// Useless without the key that is not in the directory.
    struct CodeEntry: Codable {
        var sealed: Data
        var enrolled: String
        var lastStep: Int64
        var recoveryHashes: [Data]?
    }

    struct KeyEntry: Codable {
        var type: String
        var blob: Data
        var fingerprint: String
        var comment: String?
        var added: String?
        var lastUsed: String?
        /// Of a revoked key: nobody may be given it again.
        var final: Bool?

        var material: KeyMaterial { KeyMaterial(type: type, blob: [UInt8](blob), fingerprint: fingerprint) }
    }

    struct AuthorityEntry: Codable {
        var name: String
        var key: KeyEntry
        /// Whom it may name; both left out: everybody.
        var users: [String]?
        var groups: [String]?
        var added: String?
    }

    struct RevocationEntry: Codable {
        /// The fingerprint of the CA.
        var authority: String
        var serial: UInt64?
        var keyID: String?
    }

    struct GroupEntry: Codable {
        var gid: Int64
        var name: String
        var created: String?
        var removed: String?
        var members: [String]?
    }

    struct HostEntry: Codable {
        var name: String
        var address: String
        var port: Int64?
        var state: String?
        var added: String?
        var keys: [KeyEntry]?
        var accounts: String?
        var transport: String?
        var instance: InstanceEntry?
        /// Seconds; 0: never.
        var idleStop: Int64?
        var drain: DrainEntry?
    }

    struct DrainEntry: Codable {
        var since: String
        var deadline: String?
        var message: String?
    }

    struct InstanceEntry: Codable {
        var id: String
        var region: String?
        var state: String?
        var lastSeen: String?
        var platform: String?
        var taggedPool: String?
        var address: String?
    }

    struct SourceEntry: Codable {
        var region: String
        var tags: [TagEntry]?
        var instances: [String]?
        var poolTag: String?
        var names: String?
        var created: String?
    }

    struct TagEntry: Codable {
        var key: String
        var value: String
    }

    struct RemovedEntry: Codable {
        var instance: String
        var host: String
    }

    struct PoolEntry: Codable {
        var name: String
        var created: String?
        var hosts: [String]?
        /// Seconds; 0: never.
        var idleStop: Int64?
    }

    struct TreeEntry: Codable {
        var path: String
        var group: String?
        var on: [String]?
        var scanner: String?
        var created: String?
    }

    struct RequestEntry: Codable {
        var id: Int64
        var user: String
        var target: String
        var seconds: Int64
        var why: String
        var created: String
        var state: String
        var decider: String?
        var decided: String?
        var answer: String?
        var grant: Int64?
    }

    struct WatcherEntry: Codable {
        var host: String
        var key: KeyEntry
        var installed: String?
        /// Whether the gateway fetches it.
        var fetched: Bool?
    }

    struct GrantEntry: Codable {
        var id: Int64?
        var user: String?
        var group: String?
        var host: String?
        var pool: String?
        /// Every host.
        var all: Bool?
        var sudo: Bool?
        /// `none`, `files` or `all`.
        var programs: String?
        /// Whether any port is forwarded; which ones, if not all.
        var forwarding: Bool?
        var forwardPorts: String?
        var remoteForwarding: Bool?
        var agent: Bool?
        var record: Bool?
        var wake: Bool?
        var from: String?
        var until: String?
        /// Hours of the week: `mon-fri`, `08:00-18:00`, `+02:00`.
        var days: String?
        var hours: String?
        var zone: String?
        /// What has to be shown: `totp`, `pam` or `pam,totp`.
        var require: String?
        /// Networks: `10.0.0.0/8`; left out: all.
        var allowFrom: [String]?
        var created: String?
    }
}

// MARK: From and to bytes

extension DirectoryDocument {
    /// No document is longer, in bytes.
    private static let lengthLimit = 64 * 1024 * 1024

    /// Indented, with sorted keys and a newline at the end.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try [UInt8](encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    /// Reads a document; whether its contents are allowed is not looked at yet.
    static func decode(_ json: [UInt8]) throws(DirectoryError) -> DirectoryDocument {
        guard json.count <= lengthLimit else {
            throw DirectoryError(.invalidDocument, "a document of \(json.count) bytes is too long")
        }
        struct Header: Decodable {
            var schema: Int
        }
        do {
            let decoder = JSONDecoder()
            let header = try decoder.decode(Header.self, from: Data(json))
            guard schemas.contains(header.schema) else {
                throw DirectoryError(
                    .invalidDocument,
                    "schema is \(header.schema), but this Gatehouse knows none above \(schemas.upperBound)",
                    hint: "it was exported by a newer Gatehouse")
            }
            return try decoder.decode(DirectoryDocument.self, from: Data(json))
        } catch let error as DirectoryError {
            throw error
        } catch let error as DecodingError {
            throw DirectoryError(.invalidDocument, describe(error))
        } catch {
            throw DirectoryError(.invalidDocument, "not a JSON document")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context.codingPath)): not of the kind that belongs there"
        case .keyNotFound(let key, let context):
            return "\(path(context.codingPath)): '\(key.stringValue)' is missing"
        case .dataCorrupted(let context):
            if !context.codingPath.isEmpty {
                return "\(path(context.codingPath)): not a value that belongs there"
            }
            // The decoder does not say where: it calls a number that has no room in the value bad JSON.
            return "not a JSON document, or one with a number that is too large or not whole"
        @unknown default: return "not a directory"
        }
    }

    /// Such as `users[3].keys[0].blob`.
    private static func path(_ keys: [any CodingKey]) -> String {
        if keys.isEmpty { return "the document" }
        return keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }.printable
    }
}
