/// What is asked of the step on the host, and what it answers.
struct WantedPreparation: Encodable {
    var action = "prepare"
    var knownHosts: String
    /// nil: what is there already.
    var settings: String?
    /// The lines that name the host's trees.
    var trees: String
    /// The line by which root lets the gateway in to fetch; nil: it is to have no such line.
    var fetchLine: String?

    enum CodingKeys: String, CodingKey {
        case action, trees
        case fetchLine = "fetch_line"
        case knownHosts = "known_hosts"
        case settings = "watch.conf"
    }
}

struct WantedInstallation: Encodable {
    var action = "install"
    /// Of the program that the host is to have; it fetches that itself, unless it has been brought.
    var sha256: String
    /// Whether what runs is to be started anew.
    var isNew: Bool

    enum CodingKeys: String, CodingKey {
        case action, sha256
        case isNew = "is_new"
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

struct PreparationReport: Decodable {
    var key: String
    var done: [String]
    /// SHA-256 of the program that is there; nil: none is.
    var program: String?
}

struct InstallReport: Decodable {
    var done: [String]
    var remarks: [String]
}

struct StatusReport: Decodable {
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
