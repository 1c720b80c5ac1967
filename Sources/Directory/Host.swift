package import Support

/// Whether a host takes sessions.
package enum HostState: String, Sendable, CaseIterable {
    case active
    /// Nobody is let in.
    case disabled
}

/// A machine to which people go.
package struct Host: Equatable, Sendable {
    package let name: String
    /// A DNS name or an IP address, without brackets.
    package let address: String
    package let port: UInt16
    /// The keys one of which the host must prove to have; with none, nobody connects.
    package let keys: [KeyMaterial]
    package let state: HostState
    /// nil: a machine of which no cloud tells.
    package let instance: HostInstance?
    /// As an administrator chose it; see `accountRoute`.
    package let accounts: AccountRoute
    /// As an administrator chose it; see `tunnelInstance`.
    package let transport: HostTransport
    /// Why and since when it takes no new sessions; nil: it does.
    package let drain: HostDrain?
    package let added: Timestamp

    package init(
        name: String, address: String, port: UInt16 = 22, keys: [KeyMaterial], state: HostState = .active,
        instance: HostInstance? = nil, accounts: AccountRoute = .automatic,
        transport: HostTransport = .automatic, drain: HostDrain? = nil, added: Timestamp
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.keys = keys
        self.state = state
        self.instance = instance
        self.accounts = accounts
        self.transport = transport
        self.drain = drain
        self.added = added
    }

    /// Whether a host may be called so.
    ///
    /// - Throws: `DirectoryError` `.invalidName` or `.reservedName`.
    package static func check(name: String) throws(DirectoryError) {
        try Rules.checkTarget(name)
    }

    /// The way on which its accounts are made; never `automatic`.
    package var accountRoute: AccountRoute {
        accounts == .automatic ? (instance == nil ? .ssh : .ssm) : accounts
    }

    /// The instance whose Session Manager leads to the host, where that way may be taken.
    package var tunnelInstance: HostInstance? { transport == .direct ? nil : instance }
}

/// A host is being emptied: who is there may stay until the deadline, nobody else is let in.
package struct HostDrain: Equatable, Sendable {
    package let since: Timestamp
    /// When the sessions that are left are ended; nil: never.
    package let deadline: Timestamp?
    /// For the people concerned; may be empty.
    package let message: String

    package init(since: Timestamp, deadline: Timestamp? = nil, message: String = "") {
        self.since = since
        self.deadline = deadline
        self.message = message
    }

    /// How long before the deadline people are told once more, if there was more time than twice that.
    private static let notice = Duration.seconds(300)

    /// Whether people who are still there are to be told that the deadline is near.
    package func isNoticeDue(at time: Timestamp) -> Bool {
        guard let deadline, since + Self.notice * 2 < deadline else { return false }
        return time + Self.notice >= deadline && time < deadline
    }

    /// Whether sessions that are left are to be ended.
    package func isOver(at time: Timestamp) -> Bool { deadline.map { time >= $0 } ?? false }
}

/// What is to be different of a host; nil: nothing.
package struct HostChange: Sendable {
    package var address: String?
    /// Goes with the address.
    package var port: UInt16 = 22
    /// The instance that it is; nil within: none.
    package var instance: HostInstance??
    package var accounts: AccountRoute?
    package var transport: HostTransport?
    /// After how long nobody has used it it is stopped; zero: never; nil within: as its pools say.
    package var idleStop: Duration??

    package init() {}
}

/// Hosts that are as good as each other.
package struct Pool: Equatable, Sendable {
    package let name: String
    /// Names, sorted.
    package let hosts: [String]
    package let created: Timestamp

    package init(name: String, hosts: [String], created: Timestamp) {
        self.name = name
        self.hosts = hosts
        self.created = created
    }
}
