import Directory
import Routing
import Support

/// Lists where the caller may go: `hosts [--links] [--json]` on the target `gate`.
package struct Hosts: DaemonCommand {
    package static let words = ["hosts"]
    package static let summary = "List where you may go; * is where you get without '+NAME'"
    package static let usage = "[--links [--gateway HOST[:PORT]]] [--json]"
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let gateway: String?
    private let showsLinks: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        showsLinks = words.flag("--links")
        gateway = try words.option("--gateway")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "host list")
        let now = context.services.now()
        let origin = context.caller.origin
        let hosts = try context.directory.reachableHosts(of: user, at: now, from: origin)
        let pools = try context.directory.reachablePools(of: user, at: now, from: origin)
        let others = try context.directory.reachableHosts(of: user, at: now).map(\.host.name)
            .filter { name in !hosts.contains { $0.host.name == name } }
        if let place = origin.text, !others.isEmpty, !isJSON {
            try context.terminal.errLine("not from \(place): \(others.joined(separator: ", "))")
        }

        let usual = try Router(directory: context.directory).defaultTarget(of: user, at: now)
        func mark(_ name: String) -> String { name == usual ? "\(name) *" : name }

        let endpoint = try SSHConfig.endpoint(named: gateway, listening: context.services.configuration)
        let links = { (name: String) in IDELinks(to: name, of: user, through: endpoint) }
        if showsLinks, !isJSON {
            for name in pools.map(\.name) + hosts.map(\.host.name) {
                try context.terminal.outLine("\(name)\n  \(links(name).vscode)\n  \(links(name).jetbrains)")
            }
            return .success
        }

        var table = Table("NAME", "KIND", "POOLS", "RIGHTS", "UNTIL")
        var list: [JSON] = []
        for pool in pools {
            table.add(mark(pool.name), "pool", "", "", "")
            list.append(
                .object([
                    "name": .string(pool.name), "kind": .string("pool"),
                    "default": .boolean(pool.name == usual),
                    "hosts": .strings(pool.hosts), "links": links(pool.name).json,
                ]))
        }
        for access in hosts {
            let memberships = pools.filter { $0.hosts.contains(access.host.name) }.map(\.name)
            table.add(
                mark(access.host.name), "host", memberships.joined(separator: ","), access.rights.text,
                access.until?.description ?? "")
            var entry = access.rights.json
            entry["name"] = .string(access.host.name)
            entry["kind"] = .string("host")
            entry["default"] = .boolean(access.host.name == usual)
            entry["pools"] = .strings(memberships)
            entry["until"] = .time(access.until)
            entry["links"] = links(access.host.name).json
            list.append(.object(entry))
        }
        return try context.show(json: isJSON, ["targets": .array(list)], text: table.text)
    }
}

extension DirectoryStore {
    /// The pools that the user's grants name, by name, once each; all of them for who may reach every host.
    func reachablePools(
        of user: String, at time: Timestamp, from origin: Origin = .anywhere
    ) throws -> [Pool] {
        let targets = try effectiveGrants(of: user, at: time)
            .filter { $0.networks.admit(origin) }.map(\.target)
        return try pools().filter { targets.contains(.pool($0.name)) || targets.contains(.all) }
    }
}
