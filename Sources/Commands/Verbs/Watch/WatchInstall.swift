import Configuration
import Directory
import Support
import Watchers

/// Puts the watcher on hosts: `gatehouse watch install HOST|POOL|--all …`.
package struct WatchInstall: DaemonCommand {
    package static let words = ["watch", "install"]
    package static let summary = "Put the watcher on hosts: what happens to their trees goes to the book"
    package static let usage =
        "HOST|POOL|--all [--gateway ADDRESS[:PORT] | --fetch] [--spool-limit BYTES] [--only-mount-namespace] [--json]"
    package static let examples = [
        "watch install communal1", "watch install --all --gateway 10.0.0.5:22", "watch install gpu1 --fetch",
    ]

    private let choice: HostChoice
    private let gateway: String?
    /// The gateway is to fetch what the hosts saw; they need not reach it.
    private let isFetched: Bool
    private let spoolLimit: UInt64?
    private let isOnlyMountNamespace: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        isOnlyMountNamespace = words.flag("--only-mount-namespace")
        isFetched = words.flag("--fetch")
        gateway = try words.option("--gateway")
        spoolLimit = try words.number("--spool-limit")
        choice = try HostChoice(parsing: &words, needsWord: true)
        try words.finish()
        if let spoolLimit, spoolLimit < 16 << 20 {
            throw UsageError("--spool-limit is 16777216 bytes (16 MiB) at least")
        }
        if isFetched, gateway != nil {
            throw UsageError(
                "--fetch and --gateway exclude each other", hint: "fetched is what hosts cannot bring")
        }
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let work = context.services.hostWork
        let now = context.services.now()
        return try WatchOutcomes.run(Self.self, choice, in: context, json: isJSON) { hosts in
            let wanted = Dictionary(
                uniqueKeysWithValues: try hosts.map { ($0, try options(for: $0, context)) })
            return try work.watchers.install(on: hosts, wanted, at: now)
        }
    }

    private func options(for name: String, _ context: CommandContext) throws -> WatcherOptions {
        let host = try context.directory.host(name)
        var options: WatcherOptions
        let wasFetched = try context.directory.watchKey(of: name)?.isFetched == true
        if isFetched || (gateway == nil && (host.isReachedOneWay || wasFetched)) {
            if !isFetched {
                let reason =
                    host.isReachedOneWay
                    ? "only Session Manager leads there, so the gateway fetches what its watcher sees"
                    : "the gateway goes on fetching what its watcher sees; --gateway has it delivered"
                try context.terminal.errLine("\(name): \(reason)")
            }
            options = WatcherOptions(.fetched)
        } else {
            let endpoint = try gatewayEndpoint(context.services.configuration)
            options = WatcherOptions(.brought(to: TCPAddress(host: endpoint.address, port: endpoint.port)))
        }
        options.spoolLimit = spoolLimit
        options.isOnlyMountNamespace = isOnlyMountNamespace
        return options
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
            try work.watchers.install(on: hosts, at: now)
        }
    }
}

extension Host {
    /// Whether no network leads there, so that none is likely to lead from there to the gateway.
    fileprivate var isReachedOneWay: Bool { transport == .ssm && instance != nil }
}

/// What became of a watcher on each of several hosts.
enum WatchOutcomes {
    /// One word for how what was seen comes to the gateway.
    static func way(isFetched: Bool) -> String { isFetched ? "fetched" : "brought" }

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
                        "way": .string(WatchOutcomes.way(isFetched: installation.isFetched)),
                        "remarks": .strings(installation.remarks),
                    ]))
                if !installation.done.isEmpty {
                    try context.record(
                        Change(
                            command, host: host,
                            [
                                "key": installation.key, "way": way(isFetched: installation.isFetched),
                                "done": installation.done.joined(separator: ", "),
                            ]))
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
