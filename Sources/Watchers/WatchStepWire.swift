/// What is asked of the step on the host, and what it answers.
struct WantedInstallation: Encodable {
    var action = "install"
    var sha256: String
    var starts: Bool
    /// Whether what runs is to be started anew.
    var isNew: Bool
    var knownHosts: String
    /// nil: what is there already.
    var settings: String?
    /// The lines that name the host's trees.
    var trees: String

    enum CodingKeys: String, CodingKey {
        case action, sha256, starts, trees
        case isNew = "is_new"
        case knownHosts = "known_hosts"
        case settings = "watch.conf"
    }
}

struct WantedStatus: Encodable {
    var action = "status"
}

struct WantedRemoval: Encodable {
    var action = "remove"
    /// Seconds.
    var patience: Double
}

struct InstallReport: Decodable {
    var key: String
    var done: [String]
    var remarks: [String]
}

struct StatusReport: Decodable {
    var sha256: String?
    var version: String
    var services: [String: String]
    var waiting: Int
    var pam: Bool
}

struct WantedTrees: Encodable {
    var action = "trees"
    var trees: String
}

struct ChangeReport: Decodable {
    var changed: Bool
}

struct RemovalReport: Decodable {
    var left: Int
}
