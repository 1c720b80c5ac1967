internal import Authorization
package import Directory
import Glibc
package import Support

/// What becomes of a client's wish to be connected with an address.
package enum JumpDecision: Equatable, Sendable {
    /// To be joined with the sshd of this host.
    case join(Access)
    /// To be joined with the sshd of some host of a pool.
    case joinSome(PoolRoute)
    /// An ordinary forward: the host of the session dials it.
    case notAJump
    /// No, with a sentence for the user.
    case refused(String)
}

/// Decides on jumps (`ssh -J`), so that nobody reaches a host's sshd past the directory.
package struct JumpPolicy: Sendable {
    /// What a client asks for that was given no port.
    private static let usualPort: UInt16 = 22

    private let directory: DirectoryStore

    package init(directory: DirectoryStore) {
        self.directory = directory
    }

    /// The ports at which a host of the directory may have its sshd, ascending. A connection to one of them is a jump or nothing.
    package func guardedPorts() throws -> [UInt16] {
        Self.guardedPorts(of: try directory.hosts())
    }

    /// Decides on one wish.
    ///
    /// - Parameters:
    ///   - host: a host's name or address, or anything else that a client may say.
    ///   - port: as the client said it.
    /// - Throws: `SQLiteError`; never because of a name.
    package func decide(
        user: String, host name: String, port: UInt32, at time: Timestamp = .now
    ) throws -> JumpDecision {
        let hosts = try directory.hosts()
        guard let port = UInt16(exactly: port), Self.guardedPorts(of: hosts).contains(port) else {
            return .notAJump
        }
        if port == Self.usualPort, let pool = try pool(Self.canonical(name), for: user, at: time) {
            return .joinSome(pool)
        }
        guard let host = Self.find(name, port, among: hosts),
            let access = try directory.access(of: user, to: host.name, at: time)
        else {
            return .refused("There is no host '\(name.printable)' that you may reach.")
        }
        let rule = SessionRule(.host, access.rights.jump ?? access.rights.permissions)
        if let sentence = rule.decide(.jump(host: host.name, user: user)).refusal {
            return .refused(sentence)
        }
        if let obstacle = access.obstacle { return .refused(obstacle.sentence) }
        return .join(access)
    }

    /// The hosts of a pool of that name to which the user may jump; nil: there is no such pool, or no such host in it.
    private func pool(_ name: String, for user: String, at time: Timestamp) throws -> PoolRoute? {
        guard try directory.findPool(name) != nil,
            case .pool(var route) = try Router(directory: directory).route(user: user, target: name, at: time)
        else { return nil }
        route.members.removeAll { !$0.mayJump }
        return route.members.isEmpty ? nil : route
    }

    private static func guardedPorts(of hosts: [Host]) -> [UInt16] {
        Set(hosts.map(\.port) + [usualPort]).sorted()
    }

    /// A name leads to the host also with the port that clients add by themselves; an address only with the right one.
    private static func find(_ name: String, _ port: UInt16, among hosts: [Host]) -> Host? {
        let name = canonical(name)
        return hosts.first { $0.name == name && ($0.port == port || port == usualPort) }
            ?? hosts.first { canonical($0.address) == name && $0.port == port }
    }

    /// One spelling for every way to write an address; names in lower case, without the final dot.
    private static func canonical(_ name: String) -> String {
        var address = in6_addr()
        if unsafe inet_pton(AF_INET6, name, &address) == 1 {
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            if unsafe inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil {
                return String(
                    decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        return name.hasSuffix(".") ? String(name.dropLast()).lowercased() : name.lowercased()
    }
}
