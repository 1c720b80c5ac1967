package import Accounts
package import Directory
internal import Support

/// Runs commands on each host in the way that the directory has for it.
package struct RoutedExecutor: HostExecutor {
    private let executors: [AccountRoute: any HostExecutor]

    package init(ssm: any HostExecutor, ssh: any HostExecutor, local: any HostExecutor) {
        executors = [.ssm: ssm, .ssh: ssh, .local: local]
    }

    package func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        guard let executor = executors[host.accountRoute] else {
            throw AccountError(.failed, "there is no way to make accounts on \(host.name)")
        }
        return try executor.run(command, input: input, on: host)
    }

    package func run(
        _ command: String, for jobs: [HostJob],
        _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void
    ) {
        let groups = Array(Dictionary(grouping: jobs.indices) { jobs[$0].host.accountRoute })
        _ = Parallel.map(groups, limit: groups.count) { route, numbers in
            executors[route]?.run(command, for: numbers.map { jobs[$0] }) { number, result in
                done(numbers[number], result)
            }
        }
    }
}
