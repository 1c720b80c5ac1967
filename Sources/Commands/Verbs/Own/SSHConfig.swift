import Configuration
import Directory
import SSHKeys
import Support

/// Prints a stanza for `~/.ssh/config`: `ssh-config [--gateway HOST[:PORT]]` on the target `gate`.
package struct SSHConfig: DaemonCommand {
    package static let words = ["ssh-config"]
    package static let summary = "Print what to put into your ~/.ssh/config"
    package static let usage = "[--gateway HOST[:PORT]]"
    package static let examples = ["ssh-config --gateway gate.example.org >> ~/.ssh/config"]
    package static let audience = Audience.everyone
    package static let isForPeople = true

    /// How all entries name the gateway in known_hosts.
    private static let alias = "gatehouse"

    private let gateway: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        gateway = try words.option("--gateway")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "host list")
        let endpoint = try Self.endpoint(named: gateway, listening: context.services.configuration)
        // A host and a pool never have the same name.
        let now = context.services.now()
        let pools = try context.directory.reachablePools(of: user, at: now).map(\.name)
        let hosts = try context.directory.reachableHosts(of: user, at: now).map(\.host.name)
        let names = ["gate"] + (pools + hosts).sorted()

        var text =
            "# Gatehouse. To know the gateway before the first login, put this into ~/.ssh/known_hosts:\n"
        for key in context.services.gateway.hostKeys { text += "# \(Self.alias) \(KeyText.line(of: key))\n" }
        for name in names {
            text += """

                Host \(name)
                    HostName \(endpoint.address)
                    Port \(endpoint.port)
                    User \(user)+\(name)
                    HostKeyAlias \(Self.alias)
                    ServerAliveInterval 15

                """
        }
        try context.terminal.out(text)
        return .success
    }

    /// What was asked for, else the first address that is listened on, else this machine's name.
    static func endpoint(
        named text: String?, listening configuration: Configuration
    ) throws(UsageError) -> Endpoint {
        let address = configuration.listenAddresses.first
        let port = address?.port ?? ListenAddress.defaultPort
        if let text { return try Endpoint(text, defaultPort: port) }
        let anywhere: Set = ["0.0.0.0", "::", "*"]
        let host = address.flatMap { anywhere.contains($0.host) ? nil : $0.host } ?? Machine.name
        return Endpoint(address: host, port: port)
    }
}
