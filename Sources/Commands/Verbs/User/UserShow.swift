import Authentication
import Configuration
import Directory
import Support

/// Shows a person: `gatehouse user show NAME [--json]`.
package struct UserShow: DaemonCommand {
    package static let words = ["user", "show"]
    package static let summary = "Show a person, their keys and where they may go"
    package static let usage = "NAME [--json]"
    package static let audience = Audience.auditor

    private let name: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        (name, isJSON) = try words.name(with: "--json")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.directory.user(name)
        let groups = try context.directory.groups(of: name).map(\.name)
        let keys = try context.directory.keys(of: name)
        let hosts = try context.directory.reachableHosts(of: name)

        let guesses = context.services.guesses(name)

        var document = user.json
        document["groups"] = .strings(groups)
        document["keys"] = .array(keys.map(\.json))
        document["guesses"] = .array(guesses.map(\.json))
        document["hosts"] = .strings(hosts.map(\.host.name))

        var text = Details()
        text.add("name", user.name)
        text.add("full name", user.fullName)
        text.add("uid", String(user.uid))
        text.add("shell", user.shell)
        text.add("state", user.state.rawValue)
        text.add("role", user.role.rawValue)
        if user.networks != .anywhere { text.add("logs in from", user.networks.list.joined(separator: ", ")) }
        text.add("groups", groups.joined(separator: ", "))
        text.add("keys", each: keys.map { "\($0.material.type) \($0.material.fingerprint) \($0.comment)" })
        text.add("hosts", hosts.map(\.host.name).joined(separator: ", "))
        if !guesses.isEmpty {
            text.add("wrong codes and passwords", each: guesses.map { $0.text(at: context.services.now()) })
        }
        text.add("added", user.created.description)
        return try context.show(json: isJSON, ["user": .object(document)], text: text.text)
    }
}

extension GuessLimits.Record {
    fileprivate var json: JSON {
        .object([
            "factor": .string(factor.rawValue), "network": .string(network),
            "failures": .integer(failures), "last_failure": .time(lastFailure),
            "closed_until": .time(closedUntil), "last_success": .time(lastSuccess),
        ])
    }

    /// `totp: 3 from 192.0.2.1, none is looked at until …`.
    fileprivate func text(at time: Timestamp) -> String {
        var text = "\(factor.rawValue): \(failures) from \(network.isEmpty ? "elsewhere" : network)"
        if let closedUntil, isClosed(at: time) { text += ", none is looked at until \(closedUntil)" }
        if let lastSuccess { text += ", a right one at \(lastSuccess)" }
        return text
    }
}
