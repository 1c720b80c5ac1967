/// A word that may begin a line of the configuration.
enum Keyword: String, CaseIterable {
    case listenAddress = "ListenAddress"
    case frontEnd = "FrontEnd"
    case stateDirectory = "StateDirectory"
    case runtimeDirectory = "RuntimeDirectory"
    case hostKey = "HostKey"
    case sessionProgram = "SessionProgram"
    case sessionUser = "SessionUser"
    case tunnelUser = "TunnelUser"
    case loginGraceTime = "LoginGraceTime"
    case maxStartups = "MaxStartups"
    case maxStartupsPerAddress = "MaxStartupsPerAddress"
    case authenticationMethods = "AuthenticationMethods"
    case passwordLogin = "PasswordLogin"
    case pamService = "PAMService"
    case pamServiceDirectory = "PAMServiceDirectory"
    case secondFactorGraceTime = "SecondFactorGraceTime"
    case maxAuthTries = "MaxAuthTries"
    case maxFailuresPerAddress = "MaxFailuresPerAddress"
    case failureBlockTime = "FailureBlockTime"
    case allowFrom = "AllowFrom"
    case denyFrom = "DenyFrom"
    case proxyProtocolFrom = "ProxyProtocolFrom"
    case maxChannels = "MaxChannels"
    case maxConnections = "MaxConnections"
    case acceptEnv = "AcceptEnv"
    case certificateValidity = "CertificateValidity"
    case connectTimeout = "ConnectTimeout"
    case hostAliveTimeout = "HostAliveTimeout"
    case healthCheckInterval = "HealthCheckInterval"
    case driftCheckInterval = "DriftCheckInterval"
    case inventoryRefreshInterval = "InventoryRefreshInterval"
    case awsRegion = "AWSRegion"
    case awsProfile = "AWSProfile"
    case awsAgentTimeout = "AWSAgentTimeout"
    case wakeTimeout = "WakeTimeout"
    case fileDigests = "FileDigests"
    case fileEventRetention = "FileEventRetention"
    case recordSessions = "RecordSessions"
    case recordCommands = "RecordCommands"
    case recordInput = "RecordInput"
    case recordingLimit = "RecordingLimit"
    case recordingRetention = "RecordingRetention"
    case recordingSpace = "RecordingSpace"
    case checkpointInterval = "CheckpointInterval"
    case checkpointTo = "CheckpointTo"
    case rekeyLimit = "RekeyLimit"
    case uidRange = "UidRange"
    case banner = "Banner"
    case logLevel = "LogLevel"
    case include = "Include"

    /// Whether it may stand more than once.
    var isRepeatable: Bool {
        switch self {
        case .listenAddress, .hostKey, .acceptEnv, .allowFrom, .denyFrom, .proxyProtocolFrom, .include: true
        default: false
        }
    }

    /// Whether several values may stand on its line.
    var takesSeveral: Bool {
        switch self {
        case .acceptEnv, .authenticationMethods, .checkpointTo, .allowFrom, .denyFrom, .proxyProtocolFrom:
            true
        default: false
        }
    }

    private static let byLowercaseName: [String: Keyword] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.rawValue.lowercased(), $0) })

    /// Finds a keyword, whatever its case.
    init?(named name: String) {
        guard let keyword = Self.byLowercaseName[name.lowercased()] else { return nil }
        self = keyword
    }

    /// The keyword that was probably meant.
    static func suggestion(for name: String) -> Keyword? {
        guard name.utf8.count <= 40 else { return nil }
        let typed = Array(name.lowercased().utf8)
        let candidates = allCases.map { keyword in
            (keyword, distance(typed, Array(keyword.rawValue.lowercased().utf8)))
        }
        guard let best = candidates.min(by: { $0.1 < $1.1 }), best.1 <= max(1, typed.count / 4) else {
            return nil
        }
        return best.0
    }

    /// How many insertions, deletions, changes and swaps of neighbours lead from one to the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(
                    previous[column + 1] + 1, current[column] + 1, previous[column] + (byte == other ? 0 : 1))
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
