package import AWS

/// As much of Systems Manager as running commands takes.
package protocol RunCommandService: Sendable {
    /// Has commands run; what came of them shows in the list.
    func sendCommand(_ request: CommandRequest) throws(AWSError) -> RunCommand

    /// Invocations, newest first, a page a call until `isEnough` says so.
    func listCommandInvocations(
        _ filter: InvocationFilter, withOutput: Bool, until isEnough: ([CommandInvocation]) -> Bool
    ) throws(AWSError) -> [CommandInvocation]

    /// One invocation with as much output as there is.
    func getCommandInvocation(
        commandID: String, instanceID: String
    ) throws(AWSError) -> CommandInvocation

    /// Asks to end a command, or not to begin it.
    func cancelCommand(_ commandID: String, on instanceIDs: [String]) throws(AWSError)

    /// The instances whose agents have presented themselves.
    func describeInstanceInformation(filters: [SSMFilter]) throws(AWSError) -> [ManagedInstance]
}

extension SSMClient: RunCommandService {}

/// Gives Systems Manager in a region; nil: in the one that the gateway is set up for.
package typealias RunCommandServiceSource = @Sendable (String?) throws(AWSError) -> any RunCommandService
