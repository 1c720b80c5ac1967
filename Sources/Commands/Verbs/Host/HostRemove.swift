import Directory

/// Forgets a host: `gatehouse host remove NAME [--yes]`.
package struct HostRemove: DaemonCommand {
    package static let words = ["host", "remove"]
    package static let summary = "Forget a host; the machine itself is not touched"
    package static let usage = "NAME [--yes]"

    private let name: String
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        (name, isConfirmed) = try words.name(with: "--yes")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let host = try context.directory.host(name)
        try context.confirm(
            "\(name) at \(host.endpoint) is forgotten, with its keys, its grants and its places in pools. Go on?",
            unless: isConfirmed)
        try context.directory.removeHost(name)
        return try context.done(
            Change(Self.self, host: name, ["address": host.endpoint]), "host \(name) removed")
    }
}
