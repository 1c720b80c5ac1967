import Directory

/// The options that several commands have about a host's instance.
enum InstanceWords {
    /// `--instance ID` and `--region REGION`; nil: there is none.
    static func instance(_ words: inout ArgumentReader) throws(UsageError) -> HostInstance? {
        let region = try words.option("--region")
        guard let id = try words.option("--instance") else {
            if region != nil { throw UsageError("--region goes with --instance") }
            return nil
        }
        return HostInstance(id: id, region: region)
    }

    /// `--accounts WAY`.
    static func route(_ words: inout ArgumentReader) throws(UsageError) -> AccountRoute? {
        guard let text = try words.option("--accounts") else { return nil }
        if let route = AccountRoute(rawValue: text) { return route }
        let choices = AccountRoute.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError("--accounts is one of \(choices), not '\(text)'")
    }

    /// `--transport WAY`.
    static func transport(_ words: inout ArgumentReader) throws(UsageError) -> HostTransport? {
        guard let text = try words.option("--transport") else { return nil }
        if let transport = HostTransport(rawValue: text) { return transport }
        let choices = HostTransport.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError("--transport is one of \(choices), not '\(text)'")
    }
}

extension Host {
    /// Whether it takes sessions, and how its instance is where that matters.
    var stateText: String {
        guard state == .active, let instance else { return state.rawValue }
        return instance.state == .unknown ? state.rawValue : instance.state.rawValue
    }

    /// What somebody should look after; empty: nothing.
    var remark: String {
        if instance?.otherKeys.isEmpty == false { return "other host keys than pinned" }
        guard instance?.state.isDown != true else { return "" }
        if instance?.isAgentOnline == false { return "no word from its SSM agent" }
        return keys.isEmpty ? "no host keys yet" : ""
    }

    /// The way on which accounts are made, and whether somebody chose it.
    var accountRouteText: String {
        accounts == .automatic ? "\(accountRoute.rawValue) (automatic)" : accounts.rawValue
    }
}

extension HostInstance {
    /// Whether Systems Manager hears from it.
    var agentText: String {
        switch isAgentOnline {
        case true?: "online"
        case false?: "no word from it"
        case nil: ""
        }
    }
}
