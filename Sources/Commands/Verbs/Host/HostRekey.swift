import Directory
import Support

/// Accepts other host keys: `gatehouse host rekey NAME …`.
package struct HostRekey: DaemonCommand {
    package static let words = ["host", "rekey"]
    package static let summary = "Accept the keys that a host has now, instead of those that are pinned"
    package static let usage = "NAME [--key FILE|- | --scan] [--yes]"
    package static let examples = [
        "host rekey communal1", "host rekey communal1 --key communal1_host_key.pub",
    ]

    private let name: String
    private let keyPath: String?
    private let scans: Bool
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        scans = words.flag("--scan")
        isConfirmed = words.flag("--yes")
        keyPath = try words.option("--key")
        name = try words.positional("NAME")
        if scans, keyPath != nil { throw UsageError("the host's key comes from one of --key and --scan") }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let host = try context.directory.host(name)
        let keys = try keys(of: host, in: context)
        if Set(keys) == Set(host.keys) {
            // What was noted about other keys is over.
            try context.directory.setHostKeys(keys, of: name)
            try context.terminal.outLine("\(name) has the keys that are pinned")
            return .success
        }
        let pinned = Set(host.keys)
        for key in host.keys where !keys.contains(key) {
            try context.terminal.outLine("- \(key.type) \(key.fingerprint)")
        }
        for key in keys {
            try context.terminal.outLine("\(pinned.contains(key) ? " " : "+") \(key.type) \(key.fingerprint)")
        }
        try context.confirm("Are these from now on the keys of \(name)?", unless: isConfirmed)
        try context.directory.setHostKeys(keys, of: name)
        return try context.done(
            Change(
                Self.self, host: name,
                [
                    "keys": keys.map(\.fingerprint).joined(separator: ","),
                    "before": host.keys.map(\.fingerprint).joined(separator: ","),
                ]), "host \(name) has new keys: \(keys.count)")
    }

    private func keys(of host: Host, in context: CommandContext) throws -> [KeyMaterial] {
        if let keyPath {
            return try KeyText.all(in: context.terminal.read(keyPath, limit: KeyText.limit)).map(
                KeyText.material)
        }
        if !scans { return try context.services.inventory.hostKeys(of: host) }
        let keys = try context.services.scanner.scan(address: host.address, port: host.port)
            .compactMap { KeyText.material(ofBlob: $0) }
        guard !keys.isEmpty else {
            throw CommandError(.unavailable, "\(name) at \(host.endpoint) shows no key of a known type")
        }
        return keys
    }
}
