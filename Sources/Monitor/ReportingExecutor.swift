import Accounts
import Commands
import Directory
import Fleet
import Support

/// Runs commands on hosts, and says what goes wrong on the way there as commands do.
struct ReportingExecutor: HostExecutor {
    let executor: any HostExecutor

    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        try Self.report { try executor.run(command, input: input, on: host) }
    }

    func run(
        _ command: String, for jobs: [HostJob],
        _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void
    ) {
        executor.run(command, for: jobs) { number, result in
            done(number, Result { try Self.report { try result.get() } })
        }
    }

    private static func report<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ToolRun.Failure {
            throw CommandError(.unavailable, error.description)
        } catch let error as FleetError {
            throw CommandError(.unavailable, error.detail, hint: error.hint)
        }
    }
}
