internal import Support

extension SSMClient {
    /// Has Run Command run a document on instances.
    ///
    /// - Throws: `AWSError`; `invalidRequest` for no or too many instances, `interrupted` when it is not known whether the
    ///   command was taken on and it must not run twice.
    package func sendCommand(_ request: CommandRequest) throws(AWSError) -> RunCommand {
        guard request.instanceIDs.isEmpty != request.targets.isEmpty,
            request.instanceIDs.count <= CommandRequest.instanceLimit
        else {
            throw AWSError(.invalidRequest, "a command needs targets, or 1 to 50 instances")
                .during("SendCommand", of: "ssm")
        }
        let input = SendCommandInput(
            documentName: request.document,
            instanceIds: request.instanceIDs.isEmpty ? nil : request.instanceIDs,
            targets: request.targets.isEmpty ? nil : request.targets,
            parameters: request.parameters,
            timeoutSeconds: max(30, min(request.deliveryTimeout.components.seconds, 2_592_000)),
            comment: request.comment.map { String($0.prefix(100)) },
            maxConcurrency: request.maximumConcurrency, maxErrors: request.maximumErrors,
            outputS3BucketName: request.outputBucket, outputS3KeyPrefix: request.outputKeyPrefix)
        let output = try call(
            "SendCommand", input, isRepeatable: request.isRepeatable, as: SendCommandOutput.self)
        return RunCommand(
            id: output.command.commandId,
            state: InvocationState(status: output.command.status, details: output.command.statusDetails),
            targetCount: output.command.targetCount ?? request.instanceIDs.count,
            requested: Timestamp(awsSeconds: output.command.requestedDateTime))
    }

    /// What became of a command on one instance, with its output.
    ///
    /// - Throws: `AWSError`; `notFound` also in the first moments after the command was sent.
    package func getCommandInvocation(
        commandID: String, instanceID: String
    ) throws(AWSError) -> CommandInvocation {
        let output = try call(
            "GetCommandInvocation", InvocationInput(commandId: commandID, instanceId: instanceID),
            as: GetCommandInvocationOutput.self)
        let state = InvocationState(status: output.status, details: output.statusDetails)
        return CommandInvocation(
            commandID: output.commandId ?? commandID, instanceID: output.instanceId ?? instanceID,
            state: state,
            exitStatus: output.responseCode.flatMap { $0 >= 0 ? $0 : nil },
            output: output.standardOutputContent ?? "", errorOutput: output.standardErrorContent ?? "")
    }

    /// What became of commands on all their instances, newest first, a page of at most 50 a call.
    ///
    /// - Parameters:
    ///   - withOutput: asks for output and exit status too.
    ///   - isEnough: told of each page; with true no more are asked for.
    package func listCommandInvocations(
        _ filter: InvocationFilter, withOutput: Bool = false,
        until isEnough: ([CommandInvocation]) -> Bool = { _ in false }
    ) throws(AWSError) -> [CommandInvocation] {
        var found: [CommandInvocation] = []
        _ = try pages(
            of: "ListCommandInvocations", as: ListCommandInvocationsOutput.self,
            until: { page in
                let entries = (page.commandInvocations ?? []).map { $0.invocation(of: filter.commandID) }
                found += entries
                return isEnough(entries)
            }
        ) { token in
            ListCommandInvocationsInput(filter, details: withOutput, nextToken: token)
        }
        return found
    }

    /// Asks to end a command where it runs, and not to begin it where it does not run yet.
    ///
    /// - Parameter instanceIDs: all of the command's, when empty.
    package func cancelCommand(_ commandID: String, on instanceIDs: [String] = []) throws(AWSError) {
        let input = CancelCommandInput(
            commandId: commandID, instanceIds: instanceIDs.isEmpty ? nil : instanceIDs)
        _ = try call("CancelCommand", input, as: Nothing.self)
    }
}

/// An answer that says nothing.
struct Nothing: Decodable {}

private struct SendCommandInput: Encodable {
    let documentName: String
    let instanceIds: [String]?
    let targets: [SSMFilter]?
    let parameters: [String: [String]]
    let timeoutSeconds: Int64
    let comment: String?
    let maxConcurrency: String?
    let maxErrors: String?
    let outputS3BucketName: String?
    let outputS3KeyPrefix: String?
}

private struct SendCommandOutput: Decodable {
    struct Command: Decodable {
        let commandId: String
        let status: String?
        let statusDetails: String?
        let targetCount: Int?
        let requestedDateTime: Double?
    }
    let command: Command
}

private struct InvocationInput: Encodable {
    let commandId: String
    let instanceId: String
}

private struct GetCommandInvocationOutput: Decodable {
    let commandId: String?
    let instanceId: String?
    let status: String?
    let statusDetails: String?
    let responseCode: Int?
    let standardOutputContent: String?
    let standardErrorContent: String?
}

private struct ListCommandInvocationsInput: Encodable {
    let commandId: String?
    let details: Bool
    /// A dictionary, since here AWS's own names begin with a small letter.
    let filters: [[String: String]]?
    let nextToken: String?
    var maxResults = 50

    init(_ filter: InvocationFilter, details: Bool, nextToken: String?) {
        commandId = filter.commandID
        let pairs = [
            ("InvokedAfter", filter.requestedAfter?.description), ("DocumentName", filter.document),
        ]
        let filters = pairs.compactMap { key, value in value.map { ["key": key, "value": $0] } }
        self.filters = filters.isEmpty ? nil : filters
        self.details = details
        self.nextToken = nextToken
    }
}

private struct ListCommandInvocationsOutput: SSMPage {
    struct Invocation: Decodable {
        let commandId: String?
        let instanceId: String
        let status: String?
        let statusDetails: String?
        let comment: String?
        let requestedDateTime: Double?
        let commandPlugins: [Plugin]?

        func invocation(of commandID: String?) -> CommandInvocation {
            let plugin = commandPlugins?.last
            let start = Timestamp(awsSeconds: plugin?.responseStartDateTime)
            let finish = Timestamp(awsSeconds: plugin?.responseFinishDateTime)
            var elapsed: Duration?
            if let start, let finish { elapsed = .milliseconds(finish.milliseconds - start.milliseconds) }
            return CommandInvocation(
                commandID: commandId ?? commandID ?? "", instanceID: instanceId,
                state: InvocationState(status: status, details: statusDetails),
                exitStatus: plugin?.responseCode.flatMap { $0 >= 0 ? $0 : nil },
                output: commandPlugins?.compactMap(\.output).joined() ?? "", comment: comment,
                requested: Timestamp(awsSeconds: requestedDateTime), elapsed: elapsed)
        }
    }
    struct Plugin: Decodable {
        let responseCode: Int?
        let output: String?
        let responseStartDateTime: Double?
        let responseFinishDateTime: Double?
    }
    let commandInvocations: [Invocation]?
    let nextToken: String?
}

private struct CancelCommandInput: Encodable {
    let commandId: String
    let instanceIds: [String]?
}
