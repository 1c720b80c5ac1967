package import Accounts
internal import Digests
package import Directory
internal import FoundationEssentials
internal import Glibc
package import SSHKeys
package import Support

/// Puts watchers on hosts and takes them away. Any thread may call it; calls block on the host.
package struct WatcherService: Sendable {
    private static let program = StepProgram([
        ("services", PackageResources.services_py), ("fetching", PackageResources.fetching_py),
        ("install", PackageResources.install_py),
    ])
    /// How long a removal waits for the rest of the spool to be delivered.
    private static let patience = Duration.seconds(10)
    /// Hosts that fetch the program at a time: some MB for each, and no more logins than one address may have under way.
    private static let fetchLimit = 20

    private let directory: DirectoryStore
    private let executor: any HostExecutor
    private let fetcher: any HostExecutor
    /// The program that is put on hosts.
    private let programPath: String
    private let hostKeys: [PublicKey]
    private let authority: PublicKey

    /// - Parameters:
    ///   - executor: how commands get to a host.
    ///   - fetcher: how the gateway gets to the few things that it may do on a host from which it fetches.
    ///   - programPath: the static `gatehouse-watch` of this machine, which hosts fetch.
    ///   - hostKeys: by which watchers know the gateway.
    ///   - authority: whose certificates `fetcher` shows.
    package init(
        directory: DirectoryStore, executor: any HostExecutor, fetcher: any HostExecutor,
        programPath: String, hostKeys: [PublicKey], authority: PublicKey
    ) {
        self.directory = directory
        self.executor = executor
        self.fetcher = fetcher
        self.programPath = programPath
        self.hostKeys = hostKeys
        self.authority = authority
    }

    /// Installs watchers, or brings what is there to what it should be, at all hosts together; their keys may deliver from
    /// then on.
    ///
    /// - Parameters:
    ///   - names: none of them twice.
    ///   - options: of each by its name; one that is not named keeps those that it has.
    /// - Returns: what came of each, in their order; errors are `StepError`, `DirectoryError`, what the executor throws.
    /// - Throws: `SystemError` when this machine has no program for them.
    package func install(
        on names: [String], _ options: [String: WatcherOptions] = [:], at time: Timestamp = .now
    ) throws -> [Result<WatcherInstallation, any Error>] {
        let program = try Descriptor.open(programPath, O_RDONLY).readAll(limit: 256 << 20)
        let digest = Self.digest(of: program)
        let fetched = Dictionary(
            uniqueKeysWithValues: try directory.watchKeys().map { ($0.host, $0.isFetched) }
        )
        .merging(options.mapValues { $0.way == .fetched }) { $1 }
        // First the key: a watcher whose key opens nothing yet would be turned away, and could not fetch its program.
        let wanted = names.map { name in
            Result { try preparation(of: name, options[name], isFetched: fetched[name] ?? false) }
        }
        let prepared: [Result<PreparationReport, any Error>] = runAll(wanted, on: names)
        let starts = zip(names, prepared).map { name, report in
            Result {
                let report = try report.get()
                // It is fetched from the moment on at which there is something to be called.
                try keep(report.key, of: name, isFetched: fetched[name] ?? false ? nil : false, at: time)
                return Start(
                    wanted: WantedInstallation(sha256: digest, isNew: !report.done.isEmpty),
                    isBrought: fetched[name] ?? false && report.program != digest)
            }
        }
        var installed: [Result<InstallReport, any Error>] = []
        for start in stride(from: 0, to: names.count, by: Self.fetchLimit) {
            let slice = start..<min(start + Self.fetchLimit, names.count)
            let ready = bring(program, to: Array(zip(names[slice], starts[slice])))
            installed += runAll(ready, on: Array(names[slice]))
        }
        return zip(names, zip(prepared, installed)).map { name, reports in
            Result {
                let (before, report) = (try reports.0.get(), try reports.1.get())
                if fetched[name] ?? false { try keep(before.key, of: name, isFetched: true, at: time) }
                return WatcherInstallation(
                    key: try PublicKey.parse(before.key).fingerprint, isFetched: fetched[name] ?? false,
                    done: before.done + report.done, remarks: report.remarks.map(\.printable))
            }
        }
    }

    /// The second half of an installation.
    private struct Start: Sendable {
        let wanted: WantedInstallation
        /// Whether the program is to be brought before, to a host that cannot fetch it.
        let isBrought: Bool
    }

    /// Brings the program to those hosts that are to have it so, together.
    private func bring(
        _ program: [UInt8], to starts: [(name: String, start: Result<Start, any Error>)]
    ) -> [Result<WantedInstallation, any Error>] {
        Parallel.map(starts, limit: Self.fetchLimit) { name, start in
            Result {
                let start = try start.get()
                guard start.isBrought else { return start.wanted }
                let result = try fetcher.run("program", input: program, on: try directory.host(name))
                guard result.status == 0 else {
                    let words = String(decoding: result.errorOutput.suffix(400), as: UTF8.self).printable
                    throw StepError(.failed, "\(name) does not take the program: \(words)")
                }
                return start.wanted
            }
        }
    }

    private func preparation(
        of name: String, _ options: WatcherOptions?, isFetched: Bool
    ) throws -> WantedPreparation {
        WantedPreparation(
            knownHosts: hostKeys.map { "gatehouse-gateway \($0.line)\n" }.joined(),
            settings: options?.text(host: name),
            trees: Self.lines(for: try directory.trees(on: name), on: name),
            fetchLine: isFetched
                ? "cert-authority,principals=\"\(RootAccess.fetchPrincipal(on: name))\" \(authority.line)"
                : nil)
    }

    private func keep(_ line: String, of name: String, isFetched: Bool?, at time: Timestamp) throws {
        let key = try PublicKey.parse(line)
        try directory.setWatchKey(
            KeyMaterial(type: key.type.rawValue, blob: key.blob, fingerprint: key.fingerprint), of: name,
            isFetched: isFetched, at: time)
    }

    private static func lines(for trees: [Tree], on host: String) -> String {
        trees.map { "Tree \($0.path)\n" }.joined()
            + trees.filter { $0.scanner == host }.map { "Scan \($0.path)\n" }.joined()
    }

    /// Tells the watcher on a host which trees it has now.
    ///
    /// - Throws: `StepError`; `DirectoryError`; what the executor throws.
    package func updateTrees(on name: String) throws {
        let lines = Self.lines(for: try directory.trees(on: name), on: name)
        let _: ChangeReport = try run(WantedTrees(trees: lines), on: try directory.host(name))
    }

    /// Asks the host what is installed there.
    ///
    /// - Throws: `StepError`; `DirectoryError`; what the executor throws.
    package func inspect(_ name: String) throws -> WatcherInspection {
        let report: StatusReport = try run(WantedStatus(), on: try directory.host(name))
        return WatcherInspection(
            version: report.version.printable, states: report.services.mapValues(\.printable),
            waiting: report.waiting, hasSessionHook: report.pam)
    }

    /// Takes the watcher away, with what could not be delivered, and its key in any case first.
    ///
    /// - Returns: how many segments were lost.
    /// - Throws: `StepError`; `DirectoryError` `.notFound`; what the executor throws.
    package func remove(from name: String) throws -> Int {
        let host = try directory.host(name)
        let report: RemovalReport = try run(
            WantedRemoval(patience: Double(Self.patience.milliseconds) / 1_000), on: host)
        if try directory.watchKey(of: name) != nil { try directory.removeWatchKey(of: name) }
        return report.left
    }

    private func run<Report: Decodable>(_ wanted: some Encodable, on host: Host) throws -> Report {
        try Self.program.run([UInt8](JSONEncoder().encode(wanted)), on: host, by: executor)
    }

    /// Runs the step at all hosts of which there is something wanted; the other failures stay.
    private func runAll<Report: Decodable>(
        _ wanted: [Result<some Encodable, any Error>], on names: [String]
    ) -> [Result<Report, any Error>] {
        let jobs = zip(names, wanted).map { name, wanted in
            Result {
                HostJob(
                    host: try directory.host(name),
                    input: Self.program.input(for: [UInt8](try JSONEncoder().encode(try wanted.get()))))
            }
        }
        return Self.program.run(jobs, by: executor)
    }

    /// SHA-256 in hexadecimal digits.
    private static func digest(of bytes: [UInt8]) -> String {
        Hexadecimal.encode(SHA256.hash(bytes))
    }
}

/// What became of an installation.
package struct WatcherInstallation: Equatable, Sendable {
    /// The fingerprint of the host's key.
    package let key: String
    /// Whether the gateway fetches what it saw.
    package let isFetched: Bool
    /// What was changed on the host; empty: nothing had to be.
    package let done: [String]
    package let remarks: [String]
}

/// What a host says of its watcher.
package struct WatcherInspection: Equatable, Sendable {
    /// As the program prints it; empty: none is installed.
    package let version: String
    /// How the collector (`watch`) and the delivery (`ship`) are.
    package let states: [String: String]
    /// Segments that have not been delivered.
    package let waiting: Int
    /// Whether sshd's sessions are told apart.
    package let hasSessionHook: Bool
}
