import Directory
import Inventory
import Support

/// Makes a host known: `gatehouse host add NAME …`.
package struct HostAdd: DaemonCommand {
    package static let words = ["host", "add"]
    package static let summary = "Make a host known, with the keys it is recognised by"
    package static let usage =
        "NAME [--address ADDRESS[:PORT]] [--key FILE|- | --scan] [--instance ID [--region REGION]] [--accounts WAY] [--transport WAY] [--yes]"
    package static let examples = [
        "host add communal1 --address 10.0.1.7 --key communal1_host_key.pub",
        "host add communal1 --address 10.0.1.7:22 --scan",
        "host add communal1 --instance i-0123456789abcdef0",
    ]

    private let name: String
    /// nil: where the cloud says the instance is.
    private let endpoint: Endpoint?
    private let keyPath: String?
    /// Asks the host itself; without a file either, the instance is asked over the cloud.
    private let scans: Bool
    private let instance: HostInstance?
    private let accounts: AccountRoute
    private let transport: HostTransport
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        scans = words.flag("--scan")
        isConfirmed = words.flag("--yes")
        let address = try words.option("--address")
        endpoint = if let address { try Endpoint(address) } else { nil }
        keyPath = try words.option("--key")
        instance = try InstanceWords.instance(&words)
        accounts = try InstanceWords.route(&words) ?? .automatic
        transport = try InstanceWords.transport(&words) ?? .automatic
        name = try words.positional("NAME")
        guard instance != nil || endpoint != nil else { throw UsageError("--address is missing") }
        let sources = (scans ? 1 : 0) + (keyPath == nil ? 0 : 1)
        guard sources == 1 || (sources == 0 && instance != nil) else {
            throw UsageError("the host's key comes from one of --key and --scan")
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        var instance = instance
        let endpoint = try endpoint ?? Self.endpoint(of: &instance, in: context)
        let host = try context.directory.addHost(
            name, address: endpoint.address, port: endpoint.port,
            keys: try keys(at: endpoint, instance, in: context), instance: instance, accounts: accounts,
            transport: transport, at: context.services.now())
        let keys = host.keys
        var detail = ["address": host.endpoint, "keys": keys.map(\.fingerprint).joined(separator: ",")]
        detail["instance"] = instance?.id
        if accounts != .automatic { detail["accounts"] = accounts.rawValue }
        if transport != .automatic { detail["transport"] = transport.rawValue }
        try context.record(Change(Self.self, host: name, detail))
        try context.terminal.outLine("host \(name) added at \(host.endpoint), keys: \(keys.count)")
        try context.terminal.errLine("next: gatehouse account apply \(name)")
        return .success
    }

    /// Where the cloud says the instance is; what else it says is noted.
    private static func endpoint(
        of instance: inout HostInstance?, in context: CommandContext
    ) throws -> Endpoint {
        guard let id = instance?.id, let seen = try context.services.inventory.lookUp(id) else {
            throw CommandError(
                .notFound, "there is no instance '\((instance?.id ?? "").printable)'",
                hint: "see AWSRegion in gatehouse.conf(5) for the region")
        }
        guard let address = seen.privateAddress else {
            throw CommandError(.unavailable, "\(id) is \(seen.state.rawValue) and has no private address")
        }
        instance = HostInstance(
            id: id, region: seen.region, state: seen.state, lastSeen: context.services.now(),
            platform: seen.platform, isAgentOnline: seen.isAgentOnline, address: address)
        return Endpoint(address: address, port: 22)
    }

    private func keys(
        at endpoint: Endpoint, _ instance: HostInstance?, in context: CommandContext
    ) throws -> [KeyMaterial] {
        if let keyPath {
            return try KeyText.all(in: context.terminal.read(keyPath, limit: KeyText.limit)).map(
                KeyText.material)
        }
        if scans { return try scan(endpoint, in: context) }
        return try context.services.inventory.hostKeys(
            of: Host(
                name: name, address: endpoint.address, port: endpoint.port, keys: [], instance: instance,
                accounts: accounts, added: context.services.now()))
    }

    /// The keys that the host shows now, once a person has looked at their fingerprints.
    private func scan(_ endpoint: Endpoint, in context: CommandContext) throws -> [KeyMaterial] {
        let blobs = try context.services.scanner.scan(address: endpoint.address, port: endpoint.port)
        let keys = blobs.compactMap { KeyText.material(ofBlob: $0) }
        guard !keys.isEmpty else {
            throw CommandError(
                .unavailable, "\(name) at \(endpoint.description) shows no key of a known type")
        }
        for key in keys { try context.terminal.outLine("\(key.type) \(key.fingerprint)") }
        try context.confirm(
            "Are these the keys of \(name)? Compare them on the host itself: ssh-keygen -l -f FILE",
            unless: isConfirmed)
        return keys
    }
}
