package import Authorization
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
    /// Every host, also those that come later.
    case all
}

/// What a user may do on a host.
package struct Rights: Hashable, Sendable {
    /// May become root.
    package var sudo: Bool
    /// May have a stopped instance started, which costs money.
    package var wake: Bool
    /// What they may do over SSH, and whether that is recorded.
    package private(set) var permissions: Permissions
    /// What they may do on a jump, which nobody but the host's sshd sees; nil: they may not jump.
    package private(set) var jump: Permissions?

    /// What a grant gives that says nothing else: any program, forwarding in both directions, no agent.
    ///
    /// - Parameter remoteForwarding: nil: only together with every port.
    package init(
        sudo: Bool = false, programs: Programs = .all, forwarding: PortSet = .all,
        remoteForwarding: Bool? = nil, agent: Bool = false, record: Bool = false, wake: Bool = false
    ) {
        self.sudo = sudo
        self.wake = wake
        permissions = Permissions(
            programs: programs, terminal: programs == .all, forwarding: forwarding,
            remoteForwarding: remoteForwarding ?? (forwarding == .all), agent: agent, record: record)
        jump = permissions.jumpObstacle == nil ? permissions : nil
    }

    /// What a grant for file transfer gives.
    package static let fileTransfer = Rights(programs: .files, forwarding: .none)

    /// Nothing, and that it is recorded.
    static let dutyToRecord = Rights(programs: .none, forwarding: .none, record: true)

    /// Whether sessions are recorded.
    package var record: Bool { permissions.record }

    /// What a session that begins under these is given.
    package var given: GivenRights { GivenRights(permissions: permissions, sudo: sudo) }

    /// What a jump that begins under these is given; nil: there is none.
    package var givenToJump: GivenRights? { jump.map { GivenRights(permissions: $0, sudo: sudo) } }

    /// Whether a session that was given `other` may go on under these.
    package func cover(_ other: Rights) -> Bool { other.given.isCovered(by: given) }

    /// What two grants give together: every permission that one of them has, and recording if one of them demands it.
    ///
    /// A jump stays possible that one of them alone permits, with what the host's sshd then holds it to.
    package func union(_ other: Rights) -> Rights {
        var both = self
        both.sudo = sudo || other.sudo
        both.wake = wake || other.wake
        both.permissions = permissions.union(other.permissions)
        switch both.permissions.jumpObstacle {
        case nil: both.jump = both.permissions
        case .recorded: both.jump = nil
        default: both.jump = [jump, other.jump].compactMap(\.self).reduce(nil) { $0?.union($1) ?? $1 }
        }
        return both
    }
}

/// When a grant holds.
package struct GrantPeriod: Hashable, Sendable {
    /// Not before; nil: from the beginning.
    package var from: Timestamp?
    /// No longer than; nil: for ever.
    package var until: Timestamp?
    /// In these hours of the week only; nil: at any hour.
    package var hours: WeeklyHours?

    package static let always = GrantPeriod()

    package init(from: Timestamp? = nil, until: Timestamp? = nil, hours: WeeklyHours? = nil) {
        self.from = from
        self.until = until
        self.hours = hours
    }

    /// Why it does not hold at a moment; nil: it does.
    package func lapse(at time: Timestamp) -> GrantLapse? {
        if let from, time < from { return .notYet(from) }
        if let until, time >= until { return .over(until) }
        if let hours, !hours.contains(time) { return .outsideHours(hours) }
        return nil
    }

    /// When it ceases to hold that holds at `time`; nil: never.
    package func end(after time: Timestamp) -> Timestamp? {
        [until, hours?.end(after: time)].compactMap(\.self).min()
    }
}

/// Why a grant does not hold.
package enum GrantLapse: Equatable, Sendable {
    case notYet(Timestamp)
    case over(Timestamp)
    case outsideHours(WeeklyHours)
    /// The client is in none of these networks.
    case elsewhere(SourceNetworks, Origin)
}

/// A user or group may reach a host, a pool or every host.
package struct Grant: Equatable, Sendable {
    /// Never given to another grant, also after removal.
    package let id: Int64
    package let subject: GrantSubject
    package let target: GrantTarget
    package let rights: Rights
    package let period: GrantPeriod
    /// What has to be shown in a login that makes use of it.
    package let required: FurtherFactors
    /// From where it can be made use of.
    package let networks: SourceNetworks
    package let created: Timestamp

    package init(
        id: Int64, subject: GrantSubject, target: GrantTarget, rights: Rights,
        period: GrantPeriod = .always, required: FurtherFactors = [], networks: SourceNetworks = .anywhere,
        created: Timestamp
    ) {
        self.id = id
        self.subject = subject
        self.target = target
        self.rights = rights
        self.period = period
        self.required = required
        self.networks = networks
        self.created = created
    }

    /// When it ends for good; nil: never.
    package var until: Timestamp? { period.until }

    /// Whether it holds at a moment, somewhere.
    package func isEffective(at time: Timestamp) -> Bool { period.lapse(at: time) == nil }

    /// Why it does not hold for a client; nil: it does, once what it requires is shown.
    package func lapse(at time: Timestamp, from origin: Origin) -> GrantLapse? {
        period.lapse(at: time) ?? (networks.admit(origin) ? nil : .elsewhere(networks, origin))
    }
}

/// What one user may do on one host: all their grants together.
package struct Access: Equatable, Sendable {
    package let user: User
    package let host: Host
    package let rights: Rights
    /// When the last of the grants ceases to hold; nil: never.
    package let until: Timestamp?
    /// Whether a grant that leads there, be it one that holds now or another, begins or ends at some time.
    package let isTimed: Bool
    /// The grants it comes from, by id.
    package let grants: [Int64]
    /// What these grants require, all together.
    package let required: FurtherFactors
}

/// What a host is to somebody who has shown something.
package enum Entry: Equatable, Sendable {
    /// They get there.
    case open(Access)
    /// They get there once they have shown this besides.
    case lacking(FurtherFactors)
    /// They get there from other networks, and not from this one, whatever they show.
    case elsewhere
    /// They do not, whatever they show.
    case closed
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
