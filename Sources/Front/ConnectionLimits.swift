import Support

/// How many connections there are, and whether there is room for one more.
package struct ConnectionLimits: Sendable {
    /// Why a connection is turned away.
    package enum Refusal: String, Error, Sendable {
        case maxConnections = "MaxConnections"
        case maxStartups = "MaxStartups"
        case maxStartupsPerAddress = "MaxStartupsPerAddress"
    }

    /// Live connections, all together.
    package var maximumConnections: Int
    /// Connections on which nobody has logged in yet.
    package var maximumStartups: Int
    /// The same, from one address, or one /64 network of IPv6.
    package var maximumStartupsPerAddress: Int

    /// Connections that are open.
    package private(set) var connections = 0
    /// Those of them in which nobody has logged in yet.
    package private(set) var startups = 0
    private var startupsByAddress: [String: Int] = [:]

    package init(maximumConnections: Int, maximumStartups: Int, maximumStartupsPerAddress: Int) {
        self.maximumConnections = maximumConnections
        self.maximumStartups = maximumStartups
        self.maximumStartupsPerAddress = maximumStartupsPerAddress
    }

    /// Counts a new connection from `address`.
    ///
    /// - Throws: `Refusal` when there is no room; then it is not counted.
    package mutating func open(from address: String) throws(Refusal) {
        if connections >= maximumConnections { throw .maxConnections }
        if startups >= maximumStartups { throw .maxStartups }
        let customer = Network.ofCustomer(at: address)
        let others = startupsByAddress[customer, default: 0]
        if others >= maximumStartupsPerAddress { throw .maxStartupsPerAddress }
        connections += 1
        startups += 1
        startupsByAddress[customer] = others + 1
    }

    /// Somebody logged in on a connection from `address`: it is no startup any more.
    package mutating func authenticated(from address: String) {
        startups -= 1
        let customer = Network.ofCustomer(at: address)
        let others = startupsByAddress[customer, default: 1] - 1
        startupsByAddress[customer] = others > 0 ? others : nil
    }

    /// A connection from `address` has ended.
    package mutating func close(from address: String, authenticated: Bool) {
        if !authenticated { self.authenticated(from: address) }
        connections -= 1
    }

    /// Counts a session of an earlier daemon, which is past its login.
    package mutating func adopt() { connections += 1 }

    /// A session of an earlier daemon has ended.
    package mutating func closeAdopted() { connections -= 1 }
}
