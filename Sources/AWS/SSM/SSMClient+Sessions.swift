extension SSMClient {
    /// Opens a session to a port of an instance (document `AWS-StartSSHSession`).
    ///
    /// - Parameter reason: shown in AWS's own list of sessions; 256 characters at most are sent.
    /// - Throws: `AWSError`; `rejected` with `TargetNotConnected` when the instance's agent is away.
    package func startPortSession(
        instanceID: String, port: UInt16, reason: String
    ) throws(AWSError) -> StreamAccess {
        let input = StartSessionInput(
            target: instanceID, documentName: "AWS-StartSSHSession", reason: String(reason.prefix(256)),
            parameters: ["portNumber": ["\(port)"]])
        // Asked twice it would open two, of which nobody ends one.
        return try access(try call("StartSession", input, isRepeatable: false, as: SessionOutput.self))
    }

    /// A fresh token for a session whose connection broke.
    ///
    /// - Returns: nil when the session is over.
    package func resumeSession(_ id: String) throws(AWSError) -> StreamAccess? {
        let output = try call("ResumeSession", SessionInput(sessionId: id), as: SessionOutput.self)
        guard output.tokenValue?.isEmpty == false else { return nil }
        return try access(output)
    }

    /// Ends a session; no error when it has ended already.
    package func terminateSession(_ id: String) throws(AWSError) {
        _ = try call("TerminateSession", SessionInput(sessionId: id), as: TerminateOutput.self)
    }

    private func access(_ output: SessionOutput) throws(AWSError) -> StreamAccess {
        guard let token = output.tokenValue, let url = output.streamUrl else {
            throw AWSError(.malformedResponse, "the answer names no stream")
        }
        return StreamAccess(sessionID: output.sessionId, url: url, token: token)
    }
}

/// The way into the stream of one session. The token is a secret: whoever has it is let in.
package struct StreamAccess: Sendable {
    /// The session's identifier.
    package let sessionID: String
    /// `wss://…`, as the service gives it.
    package let url: String
    /// The secret that opens the stream.
    package let token: String

    package init(sessionID: String, url: String, token: String) {
        self.sessionID = sessionID
        self.url = url
        self.token = token
    }
}

extension StreamAccess: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "StreamAccess(\(sessionID), [redacted])" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["sessionID": sessionID]) }
}

private struct StartSessionInput: Encodable {
    let target: String
    let documentName: String
    let reason: String
    let parameters: [String: [String]]
}

private struct SessionInput: Encodable {
    let sessionId: String
}

private struct SessionOutput: Decodable {
    let sessionId: String
    let tokenValue: String?
    let streamUrl: String?
}

private struct TerminateOutput: Decodable {}
