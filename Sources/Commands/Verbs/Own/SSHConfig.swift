import Configuration
import Directory
import Support

/// Prints entries for `~/.ssh/config`: `ssh-config [--gateway HOST[:PORT]] [--install]` on the target `gate`.
package struct SSHConfig: DaemonCommand {
    package static let words = ["ssh-config"]
    package static let summary =
        "Print what to put into your ~/.ssh/config, or a shell program that puts it there"
    package static let usage = "[--gateway HOST[:PORT]] [--install]"
    package static let examples = [
        "ssh-config --gateway gate.example.org >> ~/.ssh/config",
        "ssh-config --gateway gate.example.org --install > install.sh",
    ]
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let gateway: String?
    private let installs: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        installs = words.flag("--install")
        gateway = try words.option("--gateway")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "host list")
        let endpoint = try Self.endpoint(named: gateway, listening: context.services.configuration)
        let text = try SSHConfigText(of: user, through: endpoint, in: context)
        if installs {
            try context.terminal.out(text.installer)
        } else {
            let known = text.knownHosts.map { "# \($0)\n" }.joined()
            try context.terminal.out(
                "# Gatehouse. To know the gateway before the first login, put this into ~/.ssh/known_hosts:\n"
                    + known + text.entries())
        }
        return .success
    }

    /// What was asked for, else the first address that is listened on, else this machine's name.
    static func endpoint(
        named text: String?, listening configuration: Configuration
    ) throws(UsageError) -> Endpoint {
        let address = configuration.listenAddresses.first
        let port = address?.port ?? ListenAddress.defaultPort
        if let text {
            let endpoint = try Endpoint(text, defaultPort: port)
            // It becomes part of files and of a shell program.
            let isPlain = endpoint.address.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-.:_".utf8.contains(byte)
                }
            }
            guard isPlain else { throw UsageError("'\(text.printable)' is not an address") }
            return endpoint
        }
        let anywhere: Set = ["0.0.0.0", "::", "*"]
        let host = address.flatMap { anywhere.contains($0.host) ? nil : $0.host } ?? Machine.name
        return Endpoint(address: host, port: port)
    }
}
