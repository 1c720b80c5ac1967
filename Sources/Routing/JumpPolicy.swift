package import Authorization
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
    ///   - shown: what the user has shown in this login besides a key.
    /// - Throws: `SQLiteError`; never because of a name.
    package func decide(
        user: String, host name: String, port: UInt32, showing shown: FurtherFactors,
        at time: Timestamp = .now
    ) throws -> JumpDecision {
        let hosts = try directory.hosts()
        guard let port = UInt16(exactly: port), Self.guardedPorts(of: hosts).contains(port) else {
            return .notAJump
        }
        if port == Self.usualPort,
            let decision = try decide(
                user: user, pool: Self.canonical(name), showing: shown, at: time)
        {
            return decision
        }
        let access: Access
        guard let host = Self.find(name, port, among: hosts) else { return Self.unknown(name) }
        switch try directory.entry(of: user, to: host.name, showing: shown, isJump: true, at: time) {
        case .open(let found): access = found
        case .lacking(let factors):
            return .refused(Refusal.lacking(host.name, user: user, factors).sentence)
        case .closed: return Self.unknown(name)
        }
        let rule = SessionRule(.host, access.rights.jump ?? access.rights.permissions)
        if let sentence = rule.decide(.jump(host: host.name, user: user)).refusal {
            return .refused(sentence)
        }
        if let obstacle = access.obstacle { return .refused(obstacle.sentence) }
        return .join(access)
    }

    private static func unknown(_ name: String) -> JumpDecision {
        .refused("There is no host '\(name.printable)' that you may reach.")
    }

    /// Decides on a pool of that name; nil: there is none, or no host in it to which the user may jump.
    private func decide(
        user: String, pool name: String, showing shown: FurtherFactors, at time: Timestamp
    ) throws -> JumpDecision? {
        guard try directory.findPool(name) != nil else { return nil }
        switch try Router(directory: directory).route(user: user, target: name, showing: shown, at: time) {
        case .pool(var route):
            var lacking: [FurtherFactors] = []
            route.members = try route.members.compactMap { member in
                let host = member.host.name
                switch try directory.entry(of: user, to: host, showing: shown, isJump: true, at: time) {
                case .open(let access): return access.mayJump ? access : nil
                case .lacking(let factors): lacking.append(factors)
                case .closed: break
                }
                return nil
            }
            if !route.members.isEmpty { return .joinSome(route) }
            guard let least = FurtherFactors.ascending.first(where: lacking.contains) else { return nil }
            return .refused(Refusal.lacking(name, user: user, least).sentence)
        case .settled(.refused(.lacking(let target, let user, let factors))):
            return .refused(Refusal.lacking(target, user: user, factors).sentence)
        case .settled: return nil
        }
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
