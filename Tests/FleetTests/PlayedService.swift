import AWS
import Accounts
import Directory
import Fleet
import Support

/// A Systems Manager whose instances are this machine: it runs what it is sent, and has the true agent's habits.
final class PlayedService: RunCommandService {
    struct State: Sendable {
        var invocations: [CommandInvocation] = []
        var sent: [CommandRequest] = []
        var listed: [InvocationFilter] = []
        var cancelled: [String] = []
        var fetched = 0
        /// Instances that it does not know.
        var unknown: Set<String> = []
        /// Instances whose agents fetch nothing.
        var silent: Set<String> = []
        /// From that many commands on all agents are.
        var silentAfter = Int.max
        /// What is done with an invocation before it is shown.
        var edit: @Sendable (CommandInvocation) -> CommandInvocation = { $0 }
        /// Failures of the next commands, before or after they were taken on.
        var failures: [(error: AWSError, isTaken: Bool)] = []
        var listFailures: [AWSError] = []
        /// What comes of asking for a whole invocation.
        var getFailure: AWSError?
    }

    let state = Locked(State())

    static let time = Timestamp(milliseconds: 1_700_000_000_000)

    func sendCommand(_ request: CommandRequest) throws(AWSError) -> RunCommand {
        let failure = state.withLock { state in
            state.sent.append(request)
            return state.failures.isEmpty ? nil : state.failures.removeFirst()
        }
        if let failure, !failure.isTaken { throw failure.error }
        let unknown = state.withLock { $0.unknown.intersection(request.instanceIDs) }
        if !unknown.isEmpty {
            var error = AWSError(
                .rejected, "Instances [[\(unknown.sorted().joined(separator: ", "))]] not valid")
            error.serviceCode = "InvalidInstanceId"
            throw error
        }
        let id = "c-\(state.withLock { $0.sent.count })"
        // All instances are this machine: one run is enough for them.
        let done = Self.run(request)
        for instance in request.instanceIDs {
            let isSilent = state.withLock { $0.silent.contains(instance) || $0.sent.count > $0.silentAfter }
            let shown = CommandInvocation(
                commandID: id, instanceID: instance,
                state: isSilent ? .pending : done.status == 0 ? .succeeded : .failed,
                exitStatus: isSilent ? nil : Int(done.status),
                output: isSilent ? "" : String(decoding: done.output, as: UTF8.self),
                comment: request.comment,
                requested: Self.time, elapsed: .seconds(1))
            state.withLock { $0.invocations.insert($0.edit(shown), at: 0) }
        }
        if let failure { throw failure.error }
        return RunCommand(
            id: id, state: .pending, targetCount: request.instanceIDs.count, requested: Self.time)
    }

    private static func run(_ request: CommandRequest) -> ExecutionResult {
        let script = (request.parameters["commands"] ?? []).joined(separator: "\n") + "\n"
        let host = Host(name: "played", address: "127.0.0.1", keys: [], added: time)
        let done = try? LocalExecutor().run(script, input: [], on: host)
        return done ?? ExecutionResult(status: 1, output: [])
    }

    func listCommandInvocations(
        _ filter: InvocationFilter, withOutput: Bool, until isEnough: ([CommandInvocation]) -> Bool
    ) throws(AWSError) -> [CommandInvocation] {
        let failure = state.withLock { state in
            state.listed.append(filter)
            return state.listFailures.isEmpty ? nil : state.listFailures.removeFirst()
        }
        if let failure { throw failure }
        let found = state.withLock { state in
            state.invocations.filter { filter.commandID == nil || $0.commandID == filter.commandID }
        }
        .map { Self.with($0, String($0.output.prefix(2_500))) }
        _ = isEnough(found)
        return found
    }

    private static func with(_ invocation: CommandInvocation, _ output: String) -> CommandInvocation {
        CommandInvocation(
            commandID: invocation.commandID, instanceID: invocation.instanceID, state: invocation.state,
            exitStatus: invocation.exitStatus, output: output, comment: invocation.comment,
            requested: invocation.requested, elapsed: invocation.elapsed)
    }

    func getCommandInvocation(commandID: String, instanceID: String) throws(AWSError) -> CommandInvocation {
        let (found, failure) = state.withLock { state in
            state.fetched += 1
            let found = state.invocations.first { $0.commandID == commandID && $0.instanceID == instanceID }
            return (found, state.getFailure)
        }
        if let failure { throw failure }
        guard let found else { throw AWSError(.notFound, "no such invocation") }
        return Self.with(found, String(found.output.prefix(24_000)))
    }

    func cancelCommand(_ commandID: String, on instanceIDs: [String]) throws(AWSError) {
        state.withLock { state in
            state.cancelled += instanceIDs
            for (index, invocation) in state.invocations.enumerated()
            where invocation.commandID == commandID && instanceIDs.contains(invocation.instanceID) {
                guard !invocation.state.isFinal else { continue }
                state.invocations[index] = CommandInvocation(
                    commandID: commandID, instanceID: invocation.instanceID, state: .cancelled)
            }
        }
    }

    func describeInstanceInformation(filters: [SSMFilter]) throws(AWSError) -> [ManagedInstance] {
        let (unknown, silent) = state.withLock { ($0.unknown, $0.silent) }
        return filters.flatMap(\.values).filter { !unknown.contains($0) }.map { id in
            ManagedInstance(
                id: id, pingStatus: silent.contains(id) ? "ConnectionLost" : "Online", lastPing: Self.time)
        }
    }
}
