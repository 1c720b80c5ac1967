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
    /// - Throws: `DirectoryError` `.notFound` for the user or the host.
    package init(of name: String, on hostName: String, at time: Timestamp, in directory: DirectoryStore)
        throws
    {
        let (user, host) = (try directory.user(name), try directory.host(hostName))
        let grants = try directory.grants(of: name, leadingTo: hostName).map {
            Considered(grant: $0, lapse: $0.period.lapse(at: time))
        }
        let access = try directory.access(of: name, to: hostName, at: time)
        if case .lacking(let factors) = try directory.entry(of: name, to: hostName, showing: [], at: time) {
            required = factors
        } else {
            required = []
        }
        self.user = name
        self.host = hostName
        self.time = time
        self.grants = grants
        let block = Self.block(user, host)
        grounds = Right.allCases.map {
            Self.ground(for: $0, of: access, among: grants, block: block)
        }
    }

    /// Why no grant counts.
    private static func block(_ user: User, _ host: Host) -> String? {
        switch user.state {
        case .locked: return "\(user.name) is locked"
        case .left: return "\(user.name) has left"
        case .active: break
        }
        return host.state == .active ? nil : "\(host.name) is disabled"
    }

    private static func ground(
        for right: Right, of access: Access?, among grants: [Considered], block: String?
    ) -> Ground {
        func no(_ because: String) -> Ground {
            Ground(right: right, isGiven: false, because: because, grants: [])
        }
        if let block { return no(block) }
        guard let access else { return no(reasonWithout(grants)) }
        let giving = grants.filter { $0.lapse == nil && right.isGiven(by: $0.grant.rights) }
        guard right.isGiven(by: access.rights) else {
            if right == .jump, let obstacle = access.rights.permissions.jumpObstacle {
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
        }.joined(separator: ", ")
        let scope = right == .ports ? " (\(access.rights.permissions.forwarding.text))" : ""
        return Ground(
            right: right, isGiven: true,
            because: ids.isEmpty ? "several grants together" : list + scope, grants: ids)
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
        }
    }
}
