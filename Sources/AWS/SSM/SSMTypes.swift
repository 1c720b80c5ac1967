package import Support

/// A choice of instances: those where `key` (`tag:Name`, `InstanceIds`, `PingStatus`) is one of `values`.
package struct SSMFilter: Equatable, Sendable, Encodable {
    package let key: String
    package let values: [String]

    package init(_ key: String, _ values: [String]) {
        self.key = key
        self.values = values
    }
}

/// What Run Command is asked to do.
package struct CommandRequest: Sendable {
    /// The most instances that one request may name.
    package static let instanceLimit = 50

    package var document = "AWS-RunShellScript"
    package var parameters: [String: [String]] = [:]

    /// Either these, at most `instanceLimit`, or `targets`.
    package var instanceIDs: [String] = []
    package var targets: [SSMFilter] = []

    /// How long an agent may take to fetch the command, 30 seconds or more.
    package var deliveryTimeout = Duration.seconds(60)

    /// At most 100 characters.
    package var comment: String?

    /// A number or a percentage, such as `50` or `10%`.
    package var maximumConcurrency: String?
    package var maximumErrors: String?

    /// Where the whole output goes, which is cut otherwise.
    package var outputBucket: String?
    package var outputKeyPrefix: String?

    /// Whether it does no harm when the command runs twice, should AWS's answer be lost.
    package var isRepeatable = true

    package init() {}

    /// A shell script, one line an element, that is ended after `executionTimeout` (5 seconds to 48 hours).
    package static func shellScript(
        _ lines: [String], executionTimeout: Duration, on instanceIDs: [String]
    ) -> CommandRequest {
        var request = CommandRequest()
        let seconds = min(max(executionTimeout.components.seconds, 5), 172_800)
        request.parameters = ["commands": lines, "executionTimeout": [String(seconds)]]
        request.instanceIDs = instanceIDs
        return request
    }
}

/// A command that Run Command has taken on.
package struct RunCommand: Equatable, Sendable {
    package let id: String
    package let state: InvocationState
    package let targetCount: Int
    /// When it was taken on, by AWS's clock.
    package let requested: Timestamp?

    package init(id: String, state: InvocationState, targetCount: Int, requested: Timestamp? = nil) {
        self.id = id
        self.state = state
        self.targetCount = targetCount
        self.requested = requested
    }
}

/// Which invocations a list is of.
package struct InvocationFilter: Equatable, Sendable {
    /// nil: of all commands.
    package var commandID: String?
    /// Only those that were asked for later, by AWS's clock; whole seconds count.
    package var requestedAfter: Timestamp?
    package var document: String?

    package init(commandID: String? = nil, requestedAfter: Timestamp? = nil, document: String? = nil) {
        self.commandID = commandID
        self.requestedAfter = requestedAfter
        self.document = document
    }
}

/// What became of a command on one instance.
package struct CommandInvocation: Equatable, Sendable {
    package let commandID: String
    package let instanceID: String
    package let state: InvocationState

    /// The script's exit status; nil when there is none yet, or none at all.
    package let exitStatus: Int?

    /// Cut after 24,000 characters, and after 2,500 together with errors when it comes from a list.
    package let output: String

    /// Empty when it comes from a list.
    package let errorOutput: String

    /// What the command was sent with, and when; only in lists.
    package let comment: String?
    package let requested: Timestamp?

    /// How long the script ran, once that is known; only in lists.
    package let elapsed: Duration?

    package init(
        commandID: String, instanceID: String, state: InvocationState, exitStatus: Int? = nil,
        output: String = "", errorOutput: String = "", comment: String? = nil, requested: Timestamp? = nil,
        elapsed: Duration? = nil
    ) {
        self.comment = comment
        self.requested = requested
        self.elapsed = elapsed
        self.commandID = commandID
        self.instanceID = instanceID
        self.state = state
        self.exitStatus = exitStatus
        self.output = output
        self.errorOutput = errorOutput
    }
}

/// An instance as its agent presents it.
package struct ManagedInstance: Equatable, Sendable {
    package let id: String

    /// `Online`, `ConnectionLost` or `Inactive`.
    package let pingStatus: String
    package let lastPing: Timestamp?
    package let agentVersion: String?

    /// `Linux`, `Windows` or `MacOS`.
    package let platformType: String?

    /// Such as `Debian GNU/Linux` and `12`.
    package let platformName: String?
    package let platformVersion: String?
    package let address: String?
    package let computerName: String?

    package var isOnline: Bool { pingStatus == "Online" }

    package init(
        id: String, pingStatus: String, lastPing: Timestamp? = nil, agentVersion: String? = nil,
        platformType: String? = nil, platformName: String? = nil, platformVersion: String? = nil,
        address: String? = nil, computerName: String? = nil
    ) {
        self.id = id
        self.pingStatus = pingStatus
        self.lastPing = lastPing
        self.agentVersion = agentVersion
        self.platformType = platformType
        self.platformName = platformName
        self.platformVersion = platformVersion
        self.address = address
        self.computerName = computerName
    }
}

/// A value of Parameter Store.
package struct StoredParameter: Sendable, CustomStringConvertible, CustomReflectable {
    package let name: String
    package let value: String
    package let version: Int

    package var description: String { "StoredParameter(\(name), version \(version), [redacted])" }
    package var customMirror: Mirror { Mirror(self, children: ["name": name, "version": version]) }
}

extension Timestamp {
    /// Reads AWS's seconds since 1970 with a fraction; nil for what is no time.
    init?(awsSeconds seconds: Double?) {
        guard let seconds, seconds.isFinite, (0...4_102_444_800_000).contains(seconds) else { return nil }
        self.init(milliseconds: Int64(seconds * 1_000))
    }
}
