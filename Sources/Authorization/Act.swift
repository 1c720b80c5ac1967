/// What a client, or a host, wants to do in a session: each kind of channel and request that there is in SSH (RFC 4254 and OpenSSH's PROTOCOL).
package enum Act: Hashable, Sendable {
    // Channels that the client opens.

    /// A session channel, for one program.
    case session
    /// The host, or somebody behind it, is to be connected to (direct-tcpip).
    case connect(host: String, port: UInt16)
    /// Any other kind, such as direct-streamlocal@openssh.com.
    case otherChannel

    // Requests on a session channel.

    case terminal
    case resizeTerminal
    case environment(name: String)
    case shell
    case command
    case subsystem(name: String)
    case signal
    case agentRequest
    /// x11-req and whatever else there is.
    case otherRequest

    // Requests that belong to the whole connection.

    /// The host is to listen (tcpip-forward).
    case listen
    /// The host is to listen no more.
    case stopListening
    /// streamlocal-forward@openssh.com and whatever else there is.
    case otherGlobalRequest

    // Channels that the host opens.

    /// Somebody has connected to where the host listens, or is said to listen, for this session.
    case forwarded(isListening: Bool)
    /// The host wants to use the client's agent, which the client has offered or not.
    case agent(isOffered: Bool)
    /// Any other kind, x11 among them.
    case otherChannelOfHost

    // What leads past the session.

    /// The client is to be connected with the sshd of a host, end to end (`ssh -J`).
    case jump(host: String, user: String)
}

/// What is decided about an act.
package enum Ruling: Equatable, Sendable {
    case permitted
    /// Nothing but a jump leads there, about which the daemon decides.
    case jumpOnly
    /// A sentence, or what one could be made of, for the user and the event log.
    case refused(String)

    /// Why not; nil: it is not refused.
    package var refusal: String? {
        if case .refused(let reason) = self { reason } else { nil }
    }
}
