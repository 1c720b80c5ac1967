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
        ("services", PackageResources.services_py), ("install", PackageResources.install_py),
    ])
    /// How long a removal waits for the rest of the spool to be delivered.
    private static let patience = Duration.seconds(10)
    /// Hosts that fetch the program at a time: some MB for each, and no more logins than one address may have under way.
    private static let fetchLimit = 20

    private let directory: DirectoryStore
    private let executor: any HostExecutor
    /// The program that is put on hosts.
    private let programPath: String
    private let hostKeys: [PublicKey]

    /// - Parameters:
    ///   - executor: how commands get to a host.
    ///   - programPath: the static `gatehouse-watch` of this machine, which hosts fetch.
    ///   - hostKeys: by which watchers know the gateway.
    package init(
        directory: DirectoryStore, executor: any HostExecutor, programPath: String, hostKeys: [PublicKey]
    ) {
        self.directory = directory
        self.executor = executor
        self.programPath = programPath
        self.hostKeys = hostKeys
    }

    /// Installs watchers, or brings what is there to what it should be, at all hosts together; their keys may deliver from
    /// then on.
    ///
    /// - Parameters:
    ///   - names: none of them twice.
    ///   - options: nil: those that they have.
    /// - Returns: what came of each, in their order; errors are `StepError`, `DirectoryError`, what the executor throws.
    /// - Throws: `SystemError` when this machine has no program for them.
    package func install(
        on names: [String], _ options: WatcherOptions?, at time: Timestamp = .now
    ) throws -> [Result<WatcherInstallation, any Error>] {
        let digest = try Self.digest(of: Descriptor.open(programPath, O_RDONLY).readAll(limit: 256 << 20))
        // First the key: a watcher whose key opens nothing yet would be turned away, and could not fetch its program.
        let wanted = names.map { name in Result { try preparation(of: name, options) } }
        let prepared: [Result<PreparationReport, any Error>] = runAll(wanted, on: names)
        let starts = zip(names, prepared).map { name, report in
            Result {
                let report = try report.get()
                try keep(report.key, of: name, at: time)
                return WantedInstallation(sha256: digest, isNew: !report.done.isEmpty)
            }
        }
        var installed: [Result<InstallReport, any Error>] = []
        for start in stride(from: 0, to: names.count, by: Self.fetchLimit) {
            let slice = start..<min(start + Self.fetchLimit, names.count)
            installed += runAll(Array(starts[slice]), on: Array(names[slice]))
        }
        return zip(prepared, installed).map { prepared, installed in
            Result {
                let (before, report) = (try prepared.get(), try installed.get())
                return WatcherInstallation(
                    key: try PublicKey.parse(before.key).fingerprint, done: before.done + report.done,
                    remarks: report.remarks.map(\.printable))
            }
        }
    }

    private func preparation(of name: String, _ options: WatcherOptions?) throws -> WantedPreparation {
        WantedPreparation(
            knownHosts: hostKeys.map { "gatehouse-gateway \($0.line)\n" }.joined(),
            settings: options?.text(host: name),
            trees: Self.lines(for: try directory.trees(on: name), on: name))
    }

    private func keep(_ line: String, of name: String, at time: Timestamp) throws {
        let key = try PublicKey.parse(line)
        try directory.setWatchKey(
            KeyMaterial(type: key.type.rawValue, blob: key.blob, fingerprint: key.fingerprint), of: name,
            at: time)
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
