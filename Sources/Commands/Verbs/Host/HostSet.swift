import Directory

/// Changes what is known of a host: `gatehouse host set NAME …`.
package struct HostSet: DaemonCommand {
    package static let words = ["host", "set"]
    package static let summary =
        "Change a host's address, its instance, the ways to it, or when it is stopped"
    package static let usage =
        "NAME [--address ADDRESS[:PORT]] [--instance ID|none [--region REGION]] [--accounts WAY] [--transport WAY] [--idle-stop TIME|never|none]"
    package static let examples = [
        "host set communal1 --address 10.0.1.9",
        "host set communal1 --instance i-0123456789abcdef0",
        "host set gateway1 --accounts local",
        "host set gpu1 --transport ssm",
        "host set gpu1 --idle-stop 45m",
    ]

    private let name: String
    private let endpoint: Endpoint?
    private let instance: HostInstance?
    private let isNoInstance: Bool
    private let accounts: AccountRoute?
    private let transport: HostTransport?
    private let idleStop: Duration??

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let address = try words.option("--address")
        endpoint = if let address { try Endpoint(address) } else { nil }
        let instance = try InstanceWords.instance(&words)
        isNoInstance = instance?.id == "none"
        self.instance = isNoInstance ? nil : instance
        accounts = try InstanceWords.route(&words)
        transport = try InstanceWords.transport(&words)
        idleStop = try IdleWords.policy(&words)
        name = try words.positional("NAME")
        guard endpoint != nil || instance != nil || accounts != nil || transport != nil || idleStop != nil
        else {
            throw UsageError("there is nothing to change")
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        var change = HostChange()
        var detail: [String: String] = [:]
        if let endpoint {
            (change.address, change.port) = (endpoint.address, endpoint.port)
            detail["address"] = endpoint.description
        }
        if isNoInstance || instance != nil {
            change.instance = .some(instance)
            detail["instance"] = instance?.id ?? "none"
        }
        if let accounts {
            change.accounts = accounts
            detail["accounts"] = accounts.rawValue
        }
        if let transport {
            change.transport = transport
            detail["transport"] = transport.rawValue
        }
        if let idleStop {
            change.idleStop = .some(idleStop)
            detail["idle-stop"] = IdleWords.text(idleStop)
        }
        try context.directory.changeHost(name, change)
        return try context.done(Change(Self.self, host: name, detail), "host \(name) changed")
    }
}
