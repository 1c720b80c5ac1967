import Directory
import Support

/// Makes a host known: `gatehouse host add NAME …`.
package struct HostAdd: DaemonCommand {
    package static let words = ["host", "add"]
    package static let summary = "Make a host known, with the keys it is recognised by"
    package static let usage =
        "NAME --address ADDRESS[:PORT] (--key FILE|- | --scan) [--instance ID [--region REGION]] [--accounts WAY] [--yes]"
    package static let examples = [
        "host add communal1 --address 10.0.1.7 --key communal1_host_key.pub",
        "host add communal1 --address 10.0.1.7:22 --scan",
        "host add communal1 --address 10.0.1.7 --key communal1.pub --instance i-0123456789abcdef0",
    ]

    private let name: String
    private let endpoint: Endpoint
    /// nil: ask the host.
    private let keyPath: String?
    private let instance: HostInstance?
    private let accounts: AccountRoute
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let scans = words.flag("--scan")
        isConfirmed = words.flag("--yes")
        endpoint = try Endpoint(words.requiredOption("--address"))
        keyPath = try words.option("--key")
        instance = try InstanceWords.instance(&words)
        accounts = try InstanceWords.route(&words) ?? .automatic
        name = try words.positional("NAME")
        guard scans == (keyPath == nil) else {
            throw UsageError("the host's key comes from one of --key and --scan")
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let keys: [KeyMaterial]
        if let keyPath {
            keys = try KeyText.all(in: context.terminal.read(keyPath, limit: KeyText.limit)).map(
                KeyText.material)
        } else {
            keys = try scan(in: context)
        }
        let host = try context.directory.addHost(
            name, address: endpoint.address, port: endpoint.port, keys: keys, instance: instance,
            accounts: accounts, at: context.services.now())
        var detail = ["address": host.endpoint, "keys": keys.map(\.fingerprint).joined(separator: ",")]
        detail["instance"] = instance?.id
        if accounts != .automatic { detail["accounts"] = accounts.rawValue }
        try context.record(Change(Self.self, host: name, detail))
        try context.terminal.outLine("host \(name) added at \(host.endpoint), keys: \(keys.count)")
        try context.terminal.errLine("next: gatehouse account apply \(name)")
        return .success
    }

    /// The keys that the host shows now, once a person has looked at their fingerprints.
    private func scan(in context: CommandContext) throws -> [KeyMaterial] {
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
