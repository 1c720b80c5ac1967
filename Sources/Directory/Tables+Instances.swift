internal import SQLite
internal import Support

extension Tables {
    /// The instance of a host from the columns of `host_instances` without its first.
    static func instance(_ row: Statement, from column: Int) -> HostInstance? {
        guard !row.isNull(column) else { return nil }
        return HostInstance(
            id: row.text(column), region: row.optional(column + 1, row.text),
            state: InstanceState(rawValue: row.text(column + 2)) ?? .unknown,
            lastSeen: row.optional(column + 3, row.timestamp),
            platform: row.optional(column + 4, row.text), taggedPool: row.optional(column + 5, row.text),
            isAgentOnline: row.optional(column + 6, row.boolean),
            otherKeys: row.text(column + 7).split(separator: " ").map(String.init),
            address: row.optional(column + 8, row.text))
    }

    /// Says which instance the host is, and how it is; nil: none.
    func setInstance(_ instance: HostInstance?, of name: String) throws -> Host {
        _ = try host(name)
        try database.run("DELETE FROM host_instances WHERE host = ?1", name)
        guard let instance else { return try host(name) }
        try Rules.checkInstance(instance)
        let query = "SELECT host FROM host_instances WHERE id = ?1"
        if let taken = try database.first(query, [instance.id], { $0.text(0) }) {
            throw DirectoryError(
                .nameTaken, "\(instance.id) is the host '\(taken)' already",
                hint: "an instance is one host; 'gatehouse host remove \(taken)' forgets it")
        }
        try database.run(
            "INSERT INTO host_instances VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", name, instance.id,
            instance.region, instance.state.rawValue, instance.lastSeen?.wholeSeconds, instance.platform,
            instance.taggedPool, instance.isAgentOnline, instance.otherKeys.joined(separator: " "),
            instance.address)
        return try host(name)
    }

    func setTransport(_ transport: HostTransport, of name: String) throws {
        try database.run("UPDATE hosts SET transport = ?2 WHERE name = ?1", name, transport.rawValue)
    }

    func setAccountRoute(_ route: AccountRoute, of name: String) throws {
        try database.run("UPDATE hosts SET accounts = ?2 WHERE name = ?1", name, route.rawValue)
    }

    /// The host, if Systems Manager is not to lead where there is no instance.
    func hostWithWays(_ name: String) throws -> Host {
        let host = try host(name)
        guard host.instance == nil, host.accounts == .ssm || host.transport == .ssm else { return host }
        let what =
            host.accounts == .ssm ? "Systems Manager makes no accounts" : "Session Manager does not lead"
        throw DirectoryError(
            .invalidInstance, "'\(name)' is no instance, so \(what) there",
            hint: "'gatehouse host set \(name) --instance ID' says which instance it is")
    }
}

extension Rules {
    /// What a cloud may say about an instance.
    static func checkInstance(_ instance: HostInstance) throws(DirectoryError) {
        try checkInstanceID(instance.id)
        if let region = instance.region { try checkRegion(region) }
        if let address = instance.address { try checkAddress(address, port: 22) }
        if let pool = instance.taggedPool { try checkTarget(pool) }
        if let platform = instance.platform, platform.utf8.count > 128 || platform != platform.printable {
            throw DirectoryError(
                .invalidField, "\(quoted(platform)) cannot be a platform",
                hint: "at most 128 bytes, without control characters")
        }
    }

    static func checkInstanceID(_ id: String) throws(DirectoryError) {
        let digits = id.utf8.dropFirst(2)
        guard id.hasPrefix("i-"), (8...17).contains(digits.count), digits.allSatisfy(hexDigits.contains)
        else {
            throw DirectoryError(
                .invalidInstance, "\(quoted(id)) is not the id of an instance",
                hint: "an id is i- and 8 or 17 hexadecimal digits, such as i-0123456789abcdef0")
        }
    }

    static func checkRegion(_ region: String) throws(DirectoryError) {
        guard matches(region, start: targetStart, rest: regionRest, limit: 63), !region.hasSuffix("-") else {
            throw DirectoryError(
                .invalidInstance, "\(quoted(region)) is not a region",
                hint: "a region is a word such as eu-central-1")
        }
    }
}
