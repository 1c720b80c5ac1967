import Authorization
package import Directory
import FoundationEssentials
package import Support

/// The accounts that one host is to have, and how its sshd lets them in.
package struct DesiredState: Equatable, Sendable {
    /// The directory's generation; a host refuses one older than what it has.
    package var generation: Int64
    /// Where uids and gids come from; the host refuses others.
    package var range: ClosedRange<UInt32>
    /// The public key that signs certificates, as one line: `ssh-ed25519 AAAA… gatehouse-user-ca`.
    package var certificateAuthority: String
    /// Names of variables that sessions may set, with `*` and `?`.
    package var acceptedEnvironment: [String]
    package var users: [User]
    package var groups: [Group]
    /// People who may not log in anywhere any more, by name: what they still run is ended.
    package var departed: [String]
    /// Public keys that open nothing any more, each as two words.
    package var revokedKeys: [String]
    /// Accounts that are there already and become Gatehouse's, by name.
    package var adopted: [String] = []
    /// Only look and report.
    package var isRehearsal = false
    /// Try also what broke the host's sshd before: somebody asks for it.
    package var insists = false

    /// A user who may reach the host.
    package struct User: Equatable, Sendable {
        package var name: String
        package var uid: UInt32
        package var fullName: String
        package var home: String
        package var shell: String
        package var mayBecomeRoot: Bool
        /// Public keys for jumps, as lines of an authorized_keys file without options.
        package var keys: [String]
        /// Options before each of the keys, such as `no-port-forwarding`.
        package var restrictions: [String]
    }

    /// A shared group.
    package struct Group: Equatable, Sendable {
        package var name: String
        package var gid: UInt32
        /// Those of the members who may reach the host, sorted.
        package var members: [String]
    }
}

extension DesiredState {
    /// What the directory says about one host now.
    ///
    /// - Parameters:
    ///   - host: its name in the directory.
    ///   - certificateAuthority: the public key that signs certificates, as one line.
    /// - Throws: `DirectoryError` `.notFound`; `SQLiteError`.
    package init(
        of host: String, in directory: DirectoryStore, range: ClosedRange<UInt32>,
        certificateAuthority: String, acceptedEnvironment: [String], at time: Timestamp = .now
    ) throws {
        // First: a change in between is then applied under a generation that the next run may still have.
        generation = try directory.generation()
        self.range = range
        self.certificateAuthority = certificateAuthority
        self.acceptedEnvironment = acceptedEnvironment
        let holders = try directory.accountHolders(on: host, at: time)
        users = holders.map(User.init(of:))
        var groups: [String: Group] = [:]
        for holder in holders {
            for group in holder.groups {
                groups[group.name, default: Group(name: group.name, gid: group.gid, members: [])]
                    .members.append(holder.user.name)
            }
        }
        self.groups = groups.values.sorted { $0.name < $1.name }
        departed = try directory.users().filter { $0.state != .active }.map(\.name)
        revokedKeys = try directory.refusedKeys().map(\.words)
    }

    /// Changes when something of a user's account here is to change.
    package func signatures() -> [String: String] {
        var groupsOf: [String: [String]] = [:]
        for group in groups {
            for member in group.members { groupsOf[member, default: []].append("\(group.name):\(group.gid)") }
        }
        return Dictionary(
            uniqueKeysWithValues: users.map { ($0.name, $0.signature(in: groupsOf[$0.name] ?? [])) })
    }

    /// Changes when something is to change that is nobody's alone.
    package var hostSignature: String {
        let lines = groups.map { "\($0.name):\($0.gid):\($0.members.joined(separator: ","))" }
        return signature([certificateAuthority] + acceptedEnvironment + ["\n"] + revokedKeys + ["\n"] + lines)
    }

    /// The JSON that the host step reads.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(Document(of: self)))
    }
}

extension DesiredState.User {
    init(of holder: AccountHolder) {
        let user = holder.user
        name = user.name
        uid = user.uid
        fullName = user.fullName
        home = user.home
        shell = user.shell
        mayBecomeRoot = holder.rights.sudo
        // Of those who may not jump, such as who must be recorded, the own keys open nothing here.
        let jump = holder.rights.jump
        keys = jump == nil ? [] : holder.keys.map(\.line)
        let permissions = jump ?? holder.rights.permissions
        restrictions =
            (permissions.forwardsAnything ? [] : [Self.noForwarding])
            + (permissions.agent ? [] : [Self.noAgent])
    }

    static let noForwarding = "no-port-forwarding"
    static let noAgent = "no-agent-forwarding"
}

extension DesiredState.User {
    /// Changes when something of the account is to change.
    ///
    /// - Parameter groups: name and gid of the shared groups.
    func signature(in groups: [String]) -> String {
        Accounts.signature(
            [name, String(uid), fullName, home, shell, mayBecomeRoot ? "sudo" : "", "\n"] + keys.sorted()
                + ["\n"] + restrictions + ["\n"] + groups.sorted())
    }
}

extension AccountHolder {
    /// The signature of the account that this user is to have.
    var signature: String {
        DesiredState.User(of: self).signature(in: groups.map { "\($0.name):\($0.gid)" })
    }
}

/// FNV-1a over the texts: to see a change, not to resist somebody who wants two texts to look alike.
private func signature(_ texts: [String]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for text in texts {
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ 0xff) &* 0x100_0000_01b3
    }
    return String(hash, radix: 16)
}

extension KeyMaterial {
    /// The key as its first two words in a file of keys.
    fileprivate var words: String { "\(type) \(Base64.encode(blob))" }
}

extension UserKey {
    /// The key as a line of an authorized_keys file; a comment that could not stand in one is left out.
    fileprivate var line: String {
        let words = material.words
        return comment.isEmpty || comment != comment.printable ? words : "\(words) \(comment)"
    }
}

/// The form on the wire, schema 1.
private struct Document: Encodable {
    struct User: Encodable {
        let name: String
        let uid: UInt32
        let gid: UInt32
        let fullName: String
        let home: String
        let shell: String
        let sudo: Bool
        let keys: [String]
        let restrictions: [String]
    }

    struct Group: Encodable {
        let name: String
        let gid: UInt32
        let members: [String]
    }

    let schema = 1
    let generation: Int64
    let range: [UInt32]
    let certificateAuthority: String
    let acceptEnv: [String]
    let users: [User]
    let groups: [Group]
    let departed: [String]
    let revokedKeys: [String]
    let adopted: [String]
    let rehearsal: Bool
    let insists: Bool
    /// The report names only what is to tell.
    let brief = true

    init(of state: DesiredState) {
        generation = state.generation
        range = [state.range.lowerBound, state.range.upperBound]
        certificateAuthority = state.certificateAuthority
        acceptEnv = state.acceptedEnvironment
        users = state.users.map { user in
            User(
                name: user.name, uid: user.uid, gid: user.uid, fullName: user.fullName, home: user.home,
                shell: user.shell, sudo: user.mayBecomeRoot, keys: user.keys, restrictions: user.restrictions)
        }
        groups = state.groups.map { Group(name: $0.name, gid: $0.gid, members: $0.members) }
        departed = state.departed
        revokedKeys = state.revokedKeys
        adopted = state.adopted
        rehearsal = state.isRehearsal
        insists = state.insists
    }
}
