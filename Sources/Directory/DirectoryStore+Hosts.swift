package import Support

extension DirectoryStore {
    /// Hosts by name.
    package func hosts() throws -> [Host] {
        try read { try $0.hosts() }
    }

    /// The host of that name; nil: there is none.
    package func findHost(_ name: String) throws -> Host? {
        try read { try $0.findHost(name) }
    }

    /// - Throws: `DirectoryError` `.notFound`.
    package func host(_ name: String) throws -> Host {
        try read { try $0.host(name) }
    }

    /// Makes a host known, with the keys it is to be recognised by.
    ///
    /// - Throws: `DirectoryError` `.invalidName`, `.reservedName`, `.nameTaken` (also by a pool, and of the instance),
    ///   `.invalidAddress`, `.invalidInstance`, `.invalidKey`.
    @discardableResult
    package func addHost(
        _ name: String, address: String, port: UInt16 = 22, keys: [KeyMaterial],
        instance: HostInstance? = nil, accounts: AccountRoute = .automatic,
        transport: HostTransport = .automatic, at time: Timestamp = .now
    ) throws -> Host {
        try change {
            try $0.addHost(
                Host(
                    name: name, address: address, port: port, keys: keys, instance: instance,
                    accounts: accounts, transport: transport, added: time))
        }
    }

    /// Replaces the keys that the host is recognised by.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.invalidKey`.
    @discardableResult
    package func setHostKeys(_ keys: [KeyMaterial], of name: String) throws -> Host {
        try change { try $0.setHostKeys(keys, of: name) }
    }

    /// - Throws: `DirectoryError` `.notFound`, `.invalidAddress`.
    @discardableResult
    package func setHostAddress(_ address: String, port: UInt16, of name: String) throws -> Host {
        try change { try $0.setHostAddress(address, port: port, of: name) }
    }

    /// Opens or closes the host to everybody.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    @discardableResult
    package func setHostState(_ state: HostState, of name: String) throws -> Host {
        try change { try $0.setHostState(state, of: name) }
    }

    /// Has a host take no new sessions, or new ones again. Accounts do not depend on it.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.invalidField` for the message.
    @discardableResult
    package func setDrain(_ drain: HostDrain?, of name: String) throws -> Host {
        try write { try $0.setDrain(drain, of: name) }
    }

    /// Changes several things of a host, all or none.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.invalidAddress`, `.invalidInstance` (also for ways over AWS to what is no
    ///   instance), `.nameTaken` for an instance that is another host.
    @discardableResult
    package func changeHost(_ name: String, _ change: HostChange) throws -> Host {
        try self.change { tables in
            _ = try tables.host(name)
            if let address = change.address {
                _ = try tables.setHostAddress(address, port: change.port, of: name)
            }
            if let instance = change.instance { _ = try tables.setInstance(instance, of: name) }
            if let accounts = change.accounts { try tables.setAccountRoute(accounts, of: name) }
            if let transport = change.transport { try tables.setTransport(transport, of: name) }
            if let idleStop = change.idleStop { try tables.setIdlePolicy(idleStop, of: name) }
            return try tables.hostWithWays(name)
        }
    }

    /// Forgets a host, with its grants and places in pools. The machine itself is not touched.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removeHost(_ name: String) throws {
        try change { try $0.removeHost(name) }
    }

    // MARK: Pools

    /// Pools by name.
    package func pools() throws -> [Pool] {
        try read { try $0.pools() }
    }

    /// The pool of that name; nil: there is none.
    package func findPool(_ name: String) throws -> Pool? {
        try read { try $0.findPool(name) }
    }

    /// - Throws: `DirectoryError` `.notFound`.
    package func pool(_ name: String) throws -> Pool {
        try read { try $0.pool(name) }
    }

    /// Makes an empty pool.
    ///
    /// - Throws: `DirectoryError` `.invalidName`, `.reservedName`, `.nameTaken` (also by a host).
    @discardableResult
    package func addPool(_ name: String, at time: Timestamp = .now) throws -> Pool {
        try change { try $0.addPool(name, at: time) }
    }

    /// Removes a pool with its grants; its hosts stay.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removePool(_ name: String) throws {
        try change { try $0.removePool(name) }
    }

    /// Puts hosts into a pool, all or none; being there already is fine.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    @discardableResult
    package func join(_ hosts: [String], to pool: String) throws -> Pool {
        try change { tables in
            for host in hosts { try tables.join(host, to: pool) }
            return try tables.pool(pool)
        }
    }

    /// Takes hosts out of a pool, all or none.
    ///
    /// - Throws: `DirectoryError` `.notFound`, also for a host that is not in the pool.
    @discardableResult
    package func leave(_ hosts: [String], from pool: String) throws -> Pool {
        try change { tables in
            for host in hosts { try tables.leave(host, from: pool) }
            return try tables.pool(pool)
        }
    }
}
