package import Directory
package import Support

/// Makes the accounts of the directory on hosts. Any thread may call it.
package final class AccountService: Sendable {
    private let directory: DirectoryStore
    private let executor: any HostExecutor
    private let range: ClosedRange<UInt32>
    private let certificateAuthority: String
    private let acceptedEnvironment: [String]
    /// Hosts on which a run is under way.
    private let busy = Locked<Set<String>>([])

    /// - Parameters:
    ///   - executor: how commands get to a host.
    ///   - range: where the directory takes uids and gids from.
    ///   - certificateAuthority: the public key that signs certificates, as one line.
    ///   - acceptedEnvironment: names of variables, with `*` and `?`.
    package init(
        directory: DirectoryStore, executor: any HostExecutor, range: ClosedRange<UInt32>,
        certificateAuthority: String, acceptedEnvironment: [String]
    ) {
        self.directory = directory
        self.executor = executor
        self.range = range
        self.certificateAuthority = certificateAuthority
        self.acceptedEnvironment = acceptedEnvironment
    }

    /// Brings one host to what the directory says; blocks until that is done. Conflicts are in the report, not an error.
    ///
    /// - Parameter host: its name in the directory.
    /// - Throws: `AccountError`, `.busy` also while another call is at the same host; `DirectoryError` `.notFound`; what
    ///   the executor throws.
    package func apply(host name: String, at time: Timestamp = .now) throws -> AccountReport {
        let host = try directory.host(name)
        guard busy.withLock({ $0.insert(name).inserted }) else {
            throw AccountError(.busy, "the accounts of \(name) are being applied already")
        }
        defer { busy.withLock { _ = $0.remove(name) } }
        let state = try DesiredState(
            of: name, in: directory, range: range, certificateAuthority: certificateAuthority,
            acceptedEnvironment: acceptedEnvironment, at: time)
        let result = try executor.run(
            HostStep.command, input: HostStep.input(for: try state.encoded()), on: host)
        return try Self.report(from: result)
    }

    /// - Throws: `AccountError`.
    private static func report(from result: ExecutionResult) throws(AccountError) -> AccountReport {
        if result.status == 127 {
            throw AccountError(.failed, "the host has no python3")
        }
        do {
            return try AccountReport(output: result.output, status: result.status)
        } catch  where error.code == .badReport {
            // Without a report the last words tell most: Python's, the shell's or sshd's.
            let words = String(decoding: result.errorOutput.suffix(2_000), as: UTF8.self)
            guard let last = words.split(whereSeparator: \.isNewline).last else { throw error }
            throw AccountError(.badReport, "\(error.detail): \(String(last).printable)")
        }
    }
}
