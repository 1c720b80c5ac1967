/// What may be run on a host.
package enum Programs: String, Comparable, CaseIterable, Sendable {
    /// Nothing: ports are forwarded, and that is all.
    case none
    /// The file transfer of the host's sshd (the subsystem `sftp`) and no other program.
    case files
    /// Whatever the host lets its user run.
    case all

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .none: 0
        case .files: 1
        case .all: 2
        }
    }
}

/// What somebody may do over SSH on a host. Nothing is permitted that is not in here.
package struct Permissions: Hashable, Sendable {
    /// What may be run.
    package var programs: Programs
    /// Whether a program may have a terminal.
    package var terminal: Bool
    /// Ports that the host may be asked to connect to, on whatever address (`-L`, `-D`, `-W`).
    package var forwarding: PortSet
    /// Whether the host may be asked to listen (`-R`).
    package var remoteForwarding: Bool
    /// Whether the host may use the client's agent.
    package var agent: Bool
    /// Whether it has to be recorded.
    package var record: Bool

    package init(
        programs: Programs = .none, terminal: Bool = false, forwarding: PortSet = .none,
        remoteForwarding: Bool = false, agent: Bool = false, record: Bool = false
    ) {
        self.programs = programs
        self.terminal = terminal
        self.forwarding = forwarding
        self.remoteForwarding = remoteForwarding
        self.agent = agent
        self.record = record
    }

    /// What two grants give together: all that one of them permits; recording, which is a duty, if one of them demands it.
    package func union(_ other: Permissions) -> Permissions {
        Permissions(
            programs: max(programs, other.programs), terminal: terminal || other.terminal,
            forwarding: forwarding.union(other.forwarding),
            remoteForwarding: remoteForwarding || other.remoteForwarding, agent: agent || other.agent,
            record: record || other.record)
    }

    /// Whether a session that was given `other` may go on under these: they permit no less and demand no more.
    package func cover(_ other: Permissions) -> Bool {
        programs >= other.programs && (terminal || !other.terminal)
            && forwarding.isSuperset(of: other.forwarding)
            && (remoteForwarding || !other.remoteForwarding) && (agent || !other.agent)
            && (!record || other.record)
    }

    /// Whether ports may be forwarded in some direction.
    package var forwardsAnything: Bool { !forwarding.isEmpty || remoteForwarding }

    /// Why the user may not jump to the host; nil: nothing is against it.
    ///
    /// A jump is encrypted from end to end, so the gateway can hold nobody to anything there. What the host's own sshd holds people to,
    /// whichever way they come, is whether ports are forwarded at all, and the agent.
    package var jumpObstacle: JumpObstacle? {
        if record { return .recorded }
        switch programs {
        case .none: return .forwardsOnly
        case .files: return .filesOnly
        case .all: break
        }
        let isHeldToByHost = forwardsAnything ? forwarding == .all && remoteForwarding : true
        return isHeldToByHost ? nil : .somePorts
    }
}

/// What is against a jump to a host that may be reached otherwise.
package enum JumpObstacle: CaseIterable, Sendable {
    case recorded
    case filesOnly
    case forwardsOnly
    case somePorts

    /// What the user is told.
    package func sentence(about host: String, to user: String) -> String {
        switch self {
        case .recorded:
            "Sessions on \(host) are recorded, so a jump to it is not possible. Log in as \(user)+\(host) instead."
        case .filesOnly:
            "You may transfer files to and from \(host) and run nothing there, so a jump to it is not possible. Use sftp with \(user)+\(host) instead."
        case .forwardsOnly:
            "You may forward ports to \(host) and run nothing there, so a jump to it is not possible. Use ssh -N -L with \(user)+\(host) instead."
        case .somePorts:
            "You may forward some ports to \(host) and no others, so a jump to it is not possible. Log in as \(user)+\(host) instead."
        }
    }
}
