import Directory
import Support

/// Changes a person: `gatehouse user set NAME --allow-from NETWORKS|any`.
package struct UserSet: DaemonCommand {
    package static let words = ["user", "set"]
    package static let summary = "Say from which networks a person may log in"
    package static let usage = "NAME --allow-from NETWORKS|any [--yes]"
    package static let examples = [
        "user set alice --allow-from 10.0.0.0/8,2001:db8::/32", "user set alice --allow-from any",
    ]

    private let name: String
    private let networks: SourceNetworks
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        guard let networks = try NetworkWords.networks(&words) else {
            throw UsageError("there is nothing to change")
        }
        self.networks = networks
        (name, isConfirmed) = try words.name(with: "--yes")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let before = try context.directory.user(name).networks
        if let address = context.caller.address, context.caller.userName == name,
            !networks.admit(Origin(client: address))
        {
            try context.confirm(
                "You come from \(address), and would be kept out from there yourself. Go on?",
                unless: isConfirmed)
        }
        try context.directory.setNetworks(networks, of: name)
        let (from, to) = (NetworkWords.text(before), NetworkWords.text(networks))
        return try context.done(
            Change(Self.self, ["user": name, "from": from, "to": to]),
            "user \(name) may log in from \(to); sessions from elsewhere end")
    }
}
