package import Authorization
package import Directory
package import Support

/// Where a login leads.
package enum Destination: Equatable, Sendable {
    /// The gateway's own commands.
    case gate
    /// A host, with what the user may do there.
    case host(Access)
    case refused(Refusal)
}

/// Why a user gets nowhere. What is told never shows whether a name exists.
package enum Refusal: Equatable, Sendable {
    /// No such target, or not for this user: one answer for both.
    case unknownTarget(String)
    /// No target was named and nothing is granted to the user.
    case nothingGranted
    /// The user may reach a host there, but none is open.
    case noOpenHost(String)
    /// The user may reach the host, but its instance is stopped or gone.
    case instanceDown(String, InstanceState)
    /// The user may reach the host, but it takes no new sessions.
    case draining(String, HostDrain)
    /// The user may get there once they have shown this at the login.
    case lacking(String, user: String, FurtherFactors)
    /// The same, and they have no codes to show.
    case notEnrolled(String, user: String)
    /// The user may jump there once they have shown this, which no login to it asks for.
    case lackingForJumps(String, user: String, FurtherFactors)
    /// The user may get there, but not from where the client is.
    case elsewhere(String, Origin)

    /// One sentence for the user, with a full stop.
    package var sentence: String {
        switch self {
        case .unknownTarget(let name):
            "There is no host or pool '\(name.printable)' that you may reach."
        case .nothingGranted:
            "There is no host that you may reach. Ask your administrator for a grant; '+gate' after your name leads to Gatehouse's own commands."
        case .noOpenHost(let name):
            "No host of '\(name)' is open now. Try again later, or ask your administrator."
        case .instanceDown(let name, let state):
            state.isGone
                ? "\(name) is gone: its machine was terminated. Ask your administrator for another host."
                : "\(name) is stopped. Ask your administrator to start it."
        case .draining(let name, let drain):
            "\(name) takes no new sessions now\(drain.message.isEmpty ? "" : ": \(drain.message)")."
        case .lacking(let name, let user, let factors):
            "\(name) requires \(factors.words), which this login has not shown. Log in as \(user)+\(name) to be asked for that; to jump there: ssh -J \(user)+\(name)@GATEWAY \(name)"
        case .notEnrolled(let name, let user):
            "\(name) requires a one-time code, and you have none yet. Get some: ssh -t \(user)+gate@GATEWAY totp enrol"
        case .lackingForJumps(let name, let user, let factors):
            "Jumps to \(name) require \(factors.words), which this login has not shown, and no login there is asked for that. Log in as \(user)+\(name) instead."
        case .elsewhere(let name, let origin):
            "You may not reach \(name) from \(origin.text ?? "here"): what you are granted there holds in other networks. Ask your administrator."
        }
    }
}

extension Access {
    /// Whether the user gets there when the host's instance has been started, and may have that done.
    package var needsWaking: Bool {
        guard rights.wake, let state = host.instance?.state else { return false }
        return state == .stopped || state == .stopping
    }

    /// Whether the user may jump there, end to end.
    package var mayJump: Bool { rights.jump != nil }

    /// Why this user does not get there; nil: nothing is known against it.
    package var outage: Refusal? { needsWaking ? nil : host.outage }
}

extension Host {
    /// Why nobody gets there, whoever it is; nil: nothing is known against it.
    package var outage: Refusal? {
        guard let instance, instance.state.isDown else { return nil }
        return .instanceDown(name, instance.state)
    }
}

extension Access {
    /// Why the user gets no new session there; nil: nothing is known against it.
    ///
    /// Administrators get to a host that is being drained: they have work there. It must be named, though.
    package var obstacle: Refusal? {
        if let outage { return outage }
        guard let drain = host.drain, !user.isAdmin else { return nil }
        return .draining(host.name, drain)
    }
}
