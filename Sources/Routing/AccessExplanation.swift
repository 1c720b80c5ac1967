package import Authorization
package import Directory
package import Support

/// Why a user may do something on a host at a moment, or may not: the same rules as for a login, said in words.
package struct AccessExplanation: Equatable, Sendable {
    /// What may be given.
    package enum Right: String, CaseIterable, Sendable {
        case login, programs, files, ports
        case remoteForwarding = "remote_forwarding"
        case agent, sudo, wake, jump, record
    }

    /// One answer, with what decides it.
    package struct Ground: Equatable, Sendable {
        package let right: Right
        /// Of `record`: whether it is demanded.
        package let isGiven: Bool
        /// A line without a full stop.
        package let because: String
        /// The grants that hold and give it, by id.
        package let grants: [Int64]
        /// What has to be shown besides a key in the login that makes use of it: one of these suffices, the first is the least. Empty
        /// where it is not given.
        package let ways: [FurtherFactors]

        /// The least that has to be shown.
        package var required: FurtherFactors { ways.first ?? [] }
    }

    /// A grant that leads to the host.
    package struct Considered: Equatable, Sendable {
        package let grant: Grant
        /// Why it does not hold; nil: it does.
        package let lapse: GrantLapse?
    }

    package let user: String
    package let host: String
    package let time: Timestamp
    /// From where they come.
    package let origin: Origin
    /// All that lead there, whether they hold or not, by id.
    package let grants: [Considered]
    /// One for each right.
    package let grounds: [Ground]
    /// What has to be shown besides a key, at least, to get there.
    package let required: FurtherFactors

    /// Whether a login gets there.
    package var isReachable: Bool { grounds.contains { $0.right == .login && $0.isGiven } }

    /// Looks at everything that counts.
    ///
    /// - Parameter origin: where the client is; `.anywhere` leaves networks out.
    /// - Throws: `DirectoryError` `.notFound` for the user or the host.
    package init(
        of name: String, on hostName: String, from origin: Origin = .anywhere, at time: Timestamp,
        in directory: DirectoryStore
    ) throws {
        let (user, host) = (try directory.user(name), try directory.host(hostName))
        let grants = try directory.grants(of: name, leadingTo: hostName).map {
            Considered(grant: $0, lapse: $0.lapse(at: time, from: origin))
        }
        self.user = name
        self.host = hostName
        self.time = time
        self.origin = origin
        self.grants = grants
        let block = Self.block(user, host, origin)
        let login = try Door(of: name, on: hostName, from: origin, isJump: false, at: time, in: directory)
        let jump = try Door(of: name, on: hostName, from: origin, isJump: true, at: time, in: directory)
        required = login.ways(to: .login).first ?? []
        grounds = Right.allCases.map { right in
            Self.ground(for: right, at: right == .jump ? jump : login, among: grants, block: block)
        }
    }

    /// How a host is entered: what each combination of factors opens.
    private struct Door {
        /// With what it opens, and what is given then; what is less to show comes first.
        let openings: [(shown: FurtherFactors, access: Access)]
        /// What is given to who shows everything and is anywhere.
        let whole: Access?

        init(
            of user: String, on host: String, from origin: Origin, isJump: Bool, at time: Timestamp,
            in directory: DirectoryStore
        ) throws {
            openings = try FurtherFactors.ascending.compactMap { shown in
                let entry = try directory.entry(
                    of: user, to: host, showing: shown, from: origin, isJump: isJump, at: time)
                guard case .open(let access) = entry else { return nil }
                return (shown, access)
            }
            whole = try directory.access(of: user, to: host, at: time)
        }

        /// Every least combination that gives a right.
        func ways(to right: Right) -> [FurtherFactors] {
            var ways: [FurtherFactors] = []
            for (shown, access) in openings where right.isGiven(by: access.rights) {
                if !ways.contains(where: { $0.isSubset(of: shown) }) { ways.append(shown) }
            }
            return ways
        }
    }

    /// Why no grant counts.
    private static func block(_ user: User, _ host: Host, _ origin: Origin) -> String? {
        switch user.state {
        case .locked: return "\(user.name) is locked"
        case .left: return "\(user.name) has left"
        case .active: break
        }
        if let place = origin.text, !user.networks.admit(origin) {
            return "\(user.name) may not log in from \(place), needs \(user.networks.text)"
        }
        return host.state == .active ? nil : "\(host.name) is disabled"
    }

    private static func ground(
        for right: Right, at door: Door, among grants: [Considered], block: String?
    ) -> Ground {
        func no(_ because: String) -> Ground {
            Ground(right: right, isGiven: false, because: because, grants: [], ways: [])
        }
        if let block { return no(block) }
        guard let whole = door.whole else { return no(reasonWithout(grants)) }
        guard let access = door.openings.last?.access else { return no(reasonElsewhere(grants, right)) }
        let giving = grants.filter { $0.lapse == nil && right.isGiven(by: $0.grant.rights) }
        guard right.isGiven(by: access.rights) else {
            if right == .jump, let obstacle = whole.rights.permissions.jumpObstacle {
                return no(obstacle.sentence(about: access.host.name, to: access.user.name))
            }
            let lapsed = grants.filter { $0.lapse != nil && right.isGiven(by: $0.grant.rights) }
            return no(lapsed.isEmpty ? "no grant \(right.verb) it" : reasonWithout(lapsed))
        }
        if right == .login || right == .jump, let obstacle = access.obstacle {
            return no(obstacle.sentence)
        }
        let ids = giving.map(\.grant.id)
        let list = giving.map(\.grant).map { grant in
            "grant \(grant.id)" + (grant.required.isEmpty ? "" : " with \(grant.required.text)")
                + (grant.networks == .anywhere ? "" : " from \(grant.networks.text)")
        }.joined(separator: ", ")
        let scope = right == .ports ? " (\(access.rights.permissions.forwarding.text))" : ""
        return Ground(
            right: right, isGiven: true,
            because: ids.isEmpty ? "several grants together" : list + scope, grants: ids,
            ways: door.ways(to: right))
    }

    /// Why somebody does not get in who has grants that hold here or elsewhere: what these give is the account's.
    private static func reasonElsewhere(_ grants: [Considered], _ right: Right) -> String {
        let reason = reasonWithout(grants.filter { $0.lapse?.isElsewhere ?? false })
        guard grants.contains(where: { $0.lapse == nil }) else { return reason }
        return
            "\(reason), and \(right == .jump ? "what it gives" : "the root that it gives") is the account's"
    }

    /// Why grants that there are do not count, or that there is none.
    private static func reasonWithout(_ grants: [Considered]) -> String {
        let reasons = grants.compactMap { considered in
            considered.lapse.map { "grant \(considered.grant.id) \($0.text)" }
        }
        return reasons.isEmpty ? "no grant leads there" : reasons.joined(separator: "; ")
    }
}

extension AccessExplanation.Right {
    fileprivate var verb: String { self == .record ? "demands" : "gives" }

    fileprivate func isGiven(by rights: Rights) -> Bool {
        let permissions = rights.permissions
        return switch self {
        case .login: true
        case .programs: permissions.programs == .all
        case .files: permissions.programs >= .files
        case .ports: !permissions.forwarding.isEmpty
        case .remoteForwarding: permissions.remoteForwarding
        case .agent: permissions.agent
        case .sudo: rights.sudo
        case .wake: rights.wake
        case .jump: rights.jump != nil
        case .record: rights.record
        }
    }
}

extension GrantLapse {
    /// Why it does not hold: `was over at …`.
    package var text: String {
        switch self {
        case .notYet(let time): "does not begin before \(time)"
        case .over(let time): "was over at \(time)"
        case .outsideHours(let hours): "holds \(hours.text) only"
        case .elsewhere(let networks, let origin):
            "does not hold from \(origin.text ?? "there"), needs \(networks.text)"
        }
    }

    fileprivate var isElsewhere: Bool {
        if case .elsewhere = self { true } else { false }
    }
}
