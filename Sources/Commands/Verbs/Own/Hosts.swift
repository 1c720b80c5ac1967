import Directory
import Support

/// Lists where the caller may go: `hosts [--json]` on the target `gate`.
package struct Hosts: DaemonCommand {
    package static let words = ["hosts"]
    package static let summary = "List the hosts and pools you may reach"
    package static let usage = "[--json]"
    package static let audience = Audience.everyone

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "host list")
        let now = context.services.now()
        let hosts = try context.directory.reachableHosts(of: user, at: now)
        let pools = try context.directory.reachablePools(of: user, at: now)

        var table = Table("NAME", "KIND", "POOLS", "RIGHTS", "UNTIL")
        var list: [JSON] = []
        for pool in pools {
            table.add(pool.name, "pool", "", "", "")
            list.append(.object(["name": .string(pool.name), "kind": .string("pool")]))
        }
        for access in hosts {
            let memberships = pools.filter { $0.hosts.contains(access.host.name) }.map(\.name)
            table.add(
                access.host.name, "host", memberships.joined(separator: ","), access.rights.text,
                access.until?.description ?? "")
            var entry = access.rights.json
            entry["name"] = .string(access.host.name)
            entry["kind"] = .string("host")
            entry["pools"] = .strings(memberships)
            entry["until"] = .time(access.until)
            list.append(.object(entry))
        }
        return try context.show(json: isJSON, ["targets": .array(list)], text: table.text)
    }
}

extension DirectoryStore {
    /// The pools that the user's grants name, by name, once each.
    func reachablePools(of user: String, at time: Timestamp) throws -> [Pool] {
        let names = try effectiveGrants(of: user, at: time).compactMap { grant -> String? in
            if case .pool(let name) = grant.target { name } else { nil }
        }
        return try pools().filter { names.contains($0.name) }
    }
}
