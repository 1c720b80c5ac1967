import Authorization
import SSH
import Support

extension Channel.Opening {
    /// For the event log.
    var kind: String {
        switch self {
        case .session: "session"
        case .directTCP: "direct-tcpip"
        case .forwardedTCP: "forwarded-tcpip"
        case .agent: "agent"
        }
    }

    /// Where it leads, for the event log.
    var detail: String {
        switch self {
        case .session, .agent: ""
        case .directTCP(let host, let port, _, _): "\(host.printable):\(port)"
        case .forwardedTCP(let host, let port, let originator, let originatorPort):
            "\(host.printable):\(port) from \(originator.printable):\(originatorPort)"
        }
    }

    /// Both in one line.
    var text: String { detail.isEmpty ? kind : "\(kind) \(detail)" }
}

extension IncomingMessage.Kind {
    /// What a request on a channel asks for; nil: a request without a name, which the channel's link has to know of, and refuses;
    /// and whatever is no request on a channel, which never comes here, and which links refuse.
    ///
    /// Each kind by its name: a new one has to be decided about.
    var act: Act? {
        switch self {
        case .pseudoTerminal: .terminal
        case .windowChange: .resizeTerminal
        case .environment(let name, _): .environment(name: String(decoding: name, as: UTF8.self))
        case .shell: .shell
        case .exec: .command
        case .subsystem(let name): .subsystem(name: String(decoding: name, as: UTF8.self))
        case .otherChannelRequest: nil
        case .service, .authentication, .openSession, .openDirectTCP, .openForwardedTCP, .openAgent,
            .openOther,
            .forward, .cancelForward, .other:
            nil
        }
    }
}

extension Act {
    /// For the event log.
    var program: String {
        switch self {
        case .shell: "shell"
        case .command: "exec"
        case .subsystem(let name): "subsystem \(name.printable)"
        default: ""
        }
    }
}
