internal import AWS
internal import Support

/// Sends commands, each exactly once, and follows them.
final class CommandDesk: Sendable {
    /// What became of sending one.
    struct Sent {
        var command: RunCommand?
        /// Instances that it did not go to.
        var refused: [String: FleetError.Code] = [:]
        var error: AWSError?
        /// With an error: AWS may have taken it on all the same.
        var isInDoubt = false
    }

    /// How often a command is sent that AWS does not seem to have.
    private static let attemptLimit = 3

    let service: any RunCommandService
    let watch: CommandWatch
    let timing: WatchState.Timing

    init(_ service: any RunCommandService, timing: WatchState.Timing) {
        self.service = service
        self.timing = timing
        watch = CommandWatch(service, timing: timing)
    }

    /// Sends a script to instances, at most fifty.
    ///
    /// - Parameters:
    ///   - name: a comment that no other command has; by it one is found again of which AWS's answer was lost.
    ///   - isRepeatable: whether it does no harm when it runs twice.
    func send(
        _ script: [String], name: String, to instanceIDs: [String], limit: Duration, isRepeatable: Bool
    ) -> Sent {
        var wanted = instanceIDs
        var sent = Sent(command: nil)
        while !wanted.isEmpty {
            var request = CommandRequest.shellScript(script, executionTimeout: limit, on: wanted)
            request.comment = name
            request.isRepeatable = isRepeatable
            request.deliveryTimeout = max(timing.delivery, .seconds(30))
            // One that fails must not keep others from being done.
            request.maximumConcurrency = "100%"
            request.maximumErrors = "100%"
            do throws(AWSError) {
                sent.command = try send(request, name: name, &sent.isInDoubt)
                return sent
            } catch {
                guard error.serviceCode == "InvalidInstanceId" else {
                    sent.error = error
                    return sent
                }
                let unknown = unknownInstances(among: wanted, error)
                for id in unknown { sent.refused[id] = .notManaged }
                // Each round there are fewer.
                wanted.removeAll { unknown.contains($0) }
            }
        }
        return sent
    }

    /// - Parameter isInDoubt: set once AWS may have taken it.
    /// - Throws: `AWSError` when it was not taken, or nothing can be found out about it.
    private func send(
        _ request: CommandRequest, name: String, _ isInDoubt: inout Bool
    ) throws(AWSError) -> RunCommand {
        var attempt = 1
        while true {
            do throws(AWSError) {
                return try service.sendCommand(request)
            } catch {
                switch error.code {
                case .interrupted, .serverFault, .malformedResponse, .responseTooLarge: isInDoubt = true
                default: break
                }
                guard error.code == .interrupted || error.code == .serverFault, !request.isRepeatable else {
                    throw error
                }
                if let found = try find(name) { return found }
                attempt += 1
                guard attempt <= Self.attemptLimit else { throw error }
            }
        }
    }

    /// The command of that name, if AWS has it.
    private func find(_ name: String) throws(AWSError) -> RunCommand? {
        // Clocks may be five minutes apart before AWS says so.
        let filter = InvocationFilter(
            requestedAfter: Effects.system.now() + .seconds(-360), document: CommandRequest().document)
        for pause in timing.looks {
            Effects.system.sleep(pause)
            let found = try service.listCommandInvocations(filter, withOutput: false) { page in
                page.contains { $0.comment == name }
            }
            if let invocation = found.first(where: { $0.comment == name }) {
                return RunCommand(
                    id: invocation.commandID, state: .pending, targetCount: 1, requested: invocation.requested
                )
            }
        }
        return nil
    }

    /// Those that a refusal is about: it names them, and says nothing of the others.
    private func unknownInstances(among instanceIDs: [String], _ error: AWSError) -> Set<String> {
        let named = instanceIDs.filter { error.detail.contains($0) }
        if !named.isEmpty || instanceIDs.count == 1 { return Set(named.isEmpty ? instanceIDs : named) }
        let filter = SSMFilter("InstanceIds", instanceIDs)
        let known = try? service.describeInstanceInformation(filters: [filter]).map(\.id)
        let unknown = Set(instanceIDs).subtracting(known ?? [])
        return unknown.isEmpty ? Set(instanceIDs) : unknown
    }

    /// When the agents of instances were last heard of, as far as that can be found out.
    func lastPings(of instanceIDs: [String]) -> [String: Timestamp] {
        let filter = SSMFilter("InstanceIds", Array(instanceIDs.prefix(50)))
        let found = (try? service.describeInstanceInformation(filters: [filter])) ?? []
        return Dictionary(found.compactMap { entry in entry.lastPing.map { (entry.id, $0) } }) { $1 }
    }
}
