package import Support

/// Who is granted something, by name.
package enum GrantSubject: Hashable, Sendable {
    case user(String)
    case group(String)
}

/// What is granted, by name.
package enum GrantTarget: Hashable, Sendable {
    case host(String)
    case pool(String)
}

/// What a user may do on a host.
package struct Rights: Hashable, Sendable {
    /// May become root.
    package var sudo: Bool
    /// May forward ports.
    package var forwarding: Bool
    /// May forward their agent.
    package var agent: Bool
    /// Is recorded.
    package var record: Bool
    /// May have a stopped instance started, which costs money.
    package var wake: Bool

    package init(
        sudo: Bool = false, forwarding: Bool = true, agent: Bool = false, record: Bool = false,
        wake: Bool = false
    ) {
        self.sudo = sudo
        self.forwarding = forwarding
        self.agent = agent
        self.record = record
        self.wake = wake
    }

    /// What two grants give together: every permission that one of them has, and recording if one of them demands it.
    package func union(_ other: Rights) -> Rights {
        Rights(
            sudo: sudo || other.sudo, forwarding: forwarding || other.forwarding, agent: agent || other.agent,
            record: record || other.record, wake: wake || other.wake)
    }
}

/// A user or group may reach a host or pool.
package struct Grant: Equatable, Sendable {
    /// Never given to another grant, also after removal.
    package let id: Int64
    package let subject: GrantSubject
    package let target: GrantTarget
    package let rights: Rights
    /// When it ends; nil: never.
    package let until: Timestamp?
    package let created: Timestamp

    package init(
        id: Int64, subject: GrantSubject, target: GrantTarget, rights: Rights, until: Timestamp? = nil,
        created: Timestamp
    ) {
        self.id = id
        self.subject = subject
        self.target = target
        self.rights = rights
        self.until = until
        self.created = created
    }

    /// False from the moment `until` on.
    package func isEffective(at time: Timestamp) -> Bool {
        until.map { time < $0 } ?? true
    }
}

/// What one user may do on one host: all their grants together.
package struct Access: Equatable, Sendable {
    package let user: User
    package let host: Host
    package let rights: Rights
    /// When the last of the grants ends; nil: never.
    package let until: Timestamp?
    /// The grants it comes from, by id.
    package let grants: [Int64]
}

/// A user who may reach a host, with what an account there needs.
package struct AccountHolder: Equatable, Sendable {
    package let user: User
    /// The shared groups of the user, by name.
    package let groups: [Group]
    package let keys: [UserKey]
    package let rights: Rights

    package init(user: User, groups: [Group], keys: [UserKey], rights: Rights) {
        self.user = user
        self.groups = groups
        self.keys = keys
        self.rights = rights
    }
}
