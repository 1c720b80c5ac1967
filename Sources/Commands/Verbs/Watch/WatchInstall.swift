import Configuration
import Directory
import Support
import Watchers

/// Puts the watcher on hosts: `gatehouse watch install HOST|POOL|--all …`.
package struct WatchInstall: DaemonCommand {
    package static let words = ["watch", "install"]
    package static let summary = "Put the watcher on hosts: what happens to their trees goes to the book"
    package static let usage =
        "HOST|POOL|--all [--gateway ADDRESS[:PORT]] [--spool-limit BYTES] [--only-mount-namespace] [--json]"
    package static let examples = ["watch install communal1", "watch install --all --gateway 10.0.0.5:22"]

    private let choice: HostChoice
    private let gateway: String?
    private let spoolLimit: UInt64?
    private let isOnlyMountNamespace: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        isOnlyMountNamespace = words.flag("--only-mount-namespace")
        gateway = try words.option("--gateway")
        spoolLimit = try words.number("--spool-limit")
        choice = try HostChoice(parsing: &words, needsWord: true)
        try words.finish()
        if let spoolLimit, spoolLimit < 16 << 20 {
            throw UsageError("--spool-limit is 16777216 bytes (16 MiB) at least")
        }
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let endpoint = try gatewayEndpoint(context.services.configuration)
        var options = WatcherOptions(gateway: TCPAddress(host: endpoint.address, port: endpoint.port))
        options.spoolLimit = spoolLimit
        options.isOnlyMountNamespace = isOnlyMountNamespace
        let wanted = options
        let work = context.services.hostWork
        let now = context.services.now()
        return try WatchOutcomes.run(Self.self, choice, in: context, json: isJSON) { hosts in
            try work.watchers.install(on: hosts, wanted, at: now)
        }
    }

    /// Where hosts reach the gateway: as told, else the first address that is not this machine's own.
    private func gatewayEndpoint(_ configuration: Configuration) throws(UsageError) -> Endpoint {
        let elsewhere = configuration.listenAddresses.filter {
            !$0.host.hasPrefix("127.") && $0.host != "::1" && $0.host != "localhost"
        }
        if gateway == nil, elsewhere.isEmpty, !configuration.listenAddresses.isEmpty {
            throw UsageError(
                "the gateway listens on this machine's own addresses only, where no host reaches it",
                hint: "name the address for hosts with --gateway")
        }
        var reachable = configuration
        if !elsewhere.isEmpty { reachable.listenAddresses = elsewhere }
        return try SSHConfig.endpoint(named: gateway, listening: reachable)
    }
}

/// Brings watchers to this version: `gatehouse watch upgrade [HOST|POOL|--all] [--json]`.
package struct WatchUpgrade: DaemonCommand {
    package static let words = ["watch", "upgrade"]
    package static let summary = "Bring the watchers on hosts to this gateway's version"
    package static let usage = "[HOST|POOL|--all] [--json]"

    private let choice: HostChoice
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        choice = try HostChoice(parsing: &words, needsWord: false)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let work = context.services.hostWork
        let now = context.services.now()
        let watched = Set(try context.directory.watchKeys().map(\.host))
        return try WatchOutcomes.run(
            Self.self, choice, where: { watched.contains($0) }, in: context, json: isJSON
        ) { hosts in
            try work.watchers.install(on: hosts, nil, at: now)
        }
    }
}

/// What became of a watcher on each of several hosts.
enum WatchOutcomes {
    static func run(
        _ command: any Command.Type, _ choice: HostChoice,
        where isWanted: @Sendable (String) -> Bool = { _ in true },
        in context: CommandContext, json isJSON: Bool,
        _ body: ([String]) throws -> [Result<WatcherInstallation, any Error>]
    ) throws -> ExitCode {
        let hosts = try choice.hosts(in: context.directory)
        let isOne = try choice.isOneHost(in: context.directory)
        if isOne, let host = hosts.first, !isWanted(host) {
            throw CommandError(
                .notFound, "no watcher is installed on \(host)", hint: "gatehouse watch install \(host)")
        }
        let chosen = hosts.filter(isWanted)
        let outcomes = Array(zip(chosen, try body(chosen)))
        var table = Table("HOST", "RESULT", "WHAT")
        var list: [JSON] = []
        var failures: [String] = []
        for (host, outcome) in outcomes {
            switch outcome {
            case .success(let installation):
                let result = installation.done.isEmpty ? "unchanged" : "installed"
                table.add(host, result, installation.done.joined(separator: ", "))
                list.append(
                    .object([
                        "host": .string(host), "result": .string(result),
                        "done": .strings(installation.done), "key": .string(installation.key),
                        "remarks": .strings(installation.remarks),
                    ]))
                if !installation.done.isEmpty {
                    try context.record(
                        Change(
                            command, host: host,
                            ["key": installation.key, "done": installation.done.joined(separator: ", ")]))
                }
                for remark in installation.remarks { try context.terminal.errLine("\(host): \(remark)") }
            case .failure(let error):
                let why = ErrorReport(for: error).reasons.joined(separator: "; ")
                if isOne { throw error }
                failures.append(host)
                table.add(host, "failed", why)
                list.append(
                    .object(["host": .string(host), "result": .string("failed"), "error": .string(why)]))
            }
        }
        _ = try context.show(json: isJSON, ["hosts": .array(list)], text: table.text)
        guard failures.isEmpty else {
            throw CommandError(
                .failure,
                "\(failures.count) of \(outcomes.count) hosts failed: \(failures.joined(separator: ", "))")
        }
        return .success
    }
}
