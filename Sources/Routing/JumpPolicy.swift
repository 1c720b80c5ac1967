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
    private let doors: [UInt16]

    /// - Parameter doors: the gateway's own ports: through a host that forwards there, one would come from that host's network.
    package init(directory: DirectoryStore, doors: [UInt16] = []) {
        self.directory = directory
        self.doors = doors
    }

    /// The ports at which a host of the directory may have its sshd, and the gateway's, ascending. A connection to one of them is a jump or nothing.
    package func guardedPorts() throws -> [UInt16] {
        guardedPorts(of: try directory.hosts())
    }

    /// Decides on one wish.
    ///
    /// - Parameters:
    ///   - host: a host's name or address, or anything else that a client may say.
    ///   - port: as the client said it.
    ///   - shown: what the user has shown in this login besides a key.
    ///   - origin: where the client is.
    /// - Throws: `SQLiteError`; never because of a name.
    package func decide(
        user: String, host name: String, port: UInt32, showing shown: FurtherFactors, from origin: Origin,
        at time: Timestamp = .now
    ) throws -> JumpDecision {
        let hosts = try directory.hosts()
        guard let port = UInt16(exactly: port), guardedPorts(of: hosts).contains(port) else {
            return .notAJump
        }
        let wish = Wish(user: user, shown: shown, origin: origin, time: time)
        if port == Self.usualPort, let decision = try decide(wish, pool: Self.canonical(name)) {
            return decision
        }
        let access: Access
        guard let host = Self.find(name, port, among: hosts) else { return Self.unknown(name) }
        switch try entry(wish, host.name) {
        case .open(let found): access = found
        case .lacking(let factors): return try lacking(factors, wish, host.name)
        case .elsewhere: return .refused(Refusal.elsewhere(host.name, origin).sentence)
        case .closed: return Self.unknown(name)
        }
        let rule = SessionRule(.host, access.rights.jump ?? access.rights.permissions)
        if let sentence = rule.decide(.jump(host: host.name, user: user)).refusal {
            return .refused(sentence)
        }
        if let obstacle = access.obstacle { return .refused(obstacle.sentence) }
        return .join(access)
    }

    /// Who wants to jump, and when.
    private struct Wish {
        let user: String
        var shown: FurtherFactors
        let origin: Origin
        let time: Timestamp
    }

    private func entry(_ wish: Wish, _ host: String) throws -> Entry {
        try directory.entry(
            of: wish.user, to: host, showing: wish.shown, from: wish.origin, isJump: true, at: wish.time)
    }

    private func mayJump(_ wish: Wish, to host: String, showing further: FurtherFactors) throws -> Bool {
        var wish = wish
        wish.shown.formUnion(further)
        guard case .open(let access) = try entry(wish, host) else { return false }
        return access.mayJump
    }

    private func route(_ wish: Wish, _ target: String) throws -> Route {
        try Router(directory: directory).route(
            user: wish.user, target: target, showing: wish.shown, from: wish.origin, at: wish.time)
    }

    private static func unknown(_ name: String) -> JumpDecision {
        .refused("There is no host '\(name.printable)' that you may reach.")
    }

    /// Says what is missing, and where it is asked for: in a login to the same target, unless that needs less than a jump.
    private func lacking(_ factors: FurtherFactors, _ wish: Wish, _ target: String) throws -> JumpDecision {
        var asked: FurtherFactors = []
        if case .settled(.refused(.lacking(_, _, let least))) = try route(wish, target) { asked = least }
        let refusal: Refusal =
            factors.isSubset(of: asked)
            ? .lacking(target, user: wish.user, factors)
            : .lackingForJumps(target, user: wish.user, factors)
        return .refused(refusal.sentence)
    }

    /// Decides on a pool of that name; nil: there is none, or no host in it to which the user may jump.
    private func decide(_ wish: Wish, pool name: String) throws -> JumpDecision? {
        guard try directory.findPool(name) != nil else { return nil }
        switch try route(wish, name) {
        case .pool(var pool):
            var least: [FurtherFactors] = []
            var isElsewhere = false
            let hosts = pool.members.map(\.host.name) + pool.withheld.keys.sorted()
            pool.members = try hosts.compactMap { host in
                switch try entry(wish, host) {
                case .open(let access): return access.mayJump ? access : nil
                case .lacking(let factors):
                    if try mayJump(wish, to: host, showing: factors) { least.append(factors) }
                case .elsewhere: isElsewhere = true
                case .closed: break
                }
                return nil
            }
            if !pool.members.isEmpty { return .joinSome(pool) }
            if let factors = FurtherFactors.ascending.first(where: least.contains) {
                return try lacking(factors, wish, name)
            }
            return isElsewhere ? .refused(Refusal.elsewhere(name, wish.origin).sentence) : nil
        case .settled(.refused(.lacking(_, _, let factors))): return try lacking(factors, wish, name)
        case .settled(.refused(.elsewhere)):
            return .refused(Refusal.elsewhere(name, wish.origin).sentence)
        case .settled: return nil
        }
    }

    private func guardedPorts(of hosts: [Host]) -> [UInt16] {
        Set(hosts.map(\.port) + doors + [Self.usualPort]).sorted()
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
