package import Directory
internal import Support

/// Runs commands on hosts as root.
package protocol HostExecutor: Sendable {
    /// Runs a command through root's shell; blocks until it has ended.
    ///
    /// - Parameters:
    ///   - input: the command's standard input; ends there.
    /// - Throws: when the host cannot be reached or is not the one that was pinned; `AccountError`, and nothing else, when the
    ///   command may have begun, and what became of it is not known.
    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult

    /// Runs a command on several hosts, as many at a time as suits; blocks until it has ended on all.
    ///
    /// - Parameters:
    ///   - jobs: the hosts, none of them twice, each with its input.
    ///   - done: told of each job's number once, as soon as it has ended; on any thread, on several at a time.
    func run(
        _ command: String, for jobs: [HostJob],
        _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void)
}

extension HostExecutor {
    package func run(
        _ command: String, for jobs: [HostJob],
        _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void
    ) {
        _ = Parallel.map(Array(jobs.enumerated()), limit: HostStep.threadLimit) { number, job in
            done(number, Result { try run(command, input: job.input, on: job.host) })
        }
    }
}

/// What one of several hosts is to work on.
package struct HostJob: Sendable {
    package let host: Host
    /// Goes to the command's standard input.
    package let input: [UInt8]

    package init(host: Host, input: [UInt8]) {
        self.host = host
        self.input = input
    }
}

/// What a command on a host gave.
package struct ExecutionResult: Equatable, Sendable {
    /// The exit status, or 128 plus the signal.
    package var status: Int32
    package var output: [UInt8]
    package var errorOutput: [UInt8]

    package init(status: Int32, output: [UInt8], errorOutput: [UInt8] = []) {
        self.status = status
        self.output = output
        self.errorOutput = errorOutput
    }
}
