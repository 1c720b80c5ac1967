import Directory
import Power
import Support

/// Shows a host: `gatehouse host show NAME [--json]`.
package struct HostShow: DaemonCommand {
    package static let words = ["host", "show"]
    package static let summary = "Show a host, its keys and who may reach it"
    package static let usage = "NAME [--json]"
    package static let audience = Audience.auditor

    private let name: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        (name, isJSON) = try words.name(with: "--json")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let host = try context.directory.host(name)
        let pools = try context.directory.pools().filter { $0.hosts.contains(name) }.map(\.name)
        let users = try context.directory.accountHolders(on: name).map(\.user.name)

        var document = host.json
        document["pools"] = .strings(pools)
        document["users"] = .strings(users)
        let condition = context.services.conditions.condition(of: name)
        document.merge(condition.json) { $1 }
        let policy = try context.directory.idlePolicy(of: name)
        let keep = try context.directory.keep(of: name, at: context.services.now())
        let idle = context.services.idle(name)
        document["idle_stop"] = policy?.json ?? .null
        document["kept"] = keep?.json ?? .null
        document["idle"] = idle?.json ?? .null

        var text = Details()
        text.add("name", host.name)
        text.add("address", host.endpoint)
        text.add("state", host.stateText)
        if let drain = host.drain { text.add("drain", drain.text) }
        text.add(
            "health", condition.failure.map { "does not answer: \($0)" } ?? "answers, as far as is known")
        text.add("sessions", String(condition.sessions))
        if let load = condition.load { text.add("load", load.text) }
        let services = try condition.serviceTexts(in: context.directory)
        if !services.isEmpty { text.add("services", each: services) }
        if let instance = host.instance {
            text.add("instance", [instance.id, instance.region].compactMap(\.self).joined(separator: " in "))
            text.add("last seen", instance.lastSeen?.description ?? "never")
            text.add("platform", instance.platform ?? "")
            text.add("agent", instance.agentText)
        }
        text.add("accounts", host.accountRouteText)
        text.add("transport", host.transport.rawValue)
        if let policy { text.add("idle stop", policy.text) }
        if let idle { text.add("use", idle.text) }
        if let keep { text.add("kept", "until \(keep.until) by \(keep.who)") }
        text.add("keys", each: host.keys.map { "\($0.type) \($0.fingerprint)" })
        if let others = host.instance?.otherKeys, !others.isEmpty {
            text.add("other keys", each: others)
            text.add("", "it has these by its own account; 'gatehouse host rekey \(name)' accepts them")
        }
        text.add("pools", pools.joined(separator: ", "))
        text.add("users", users.joined(separator: ", "))
        text.add("added", host.added.description)
        return try context.show(json: isJSON, ["host": .object(document)], text: text.text)
    }
}
