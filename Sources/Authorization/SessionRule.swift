internal import Support

/// What may be done in one session: the one place that decides about every kind of channel and request.
///
/// Made by the daemon once, when the login is complete, handed to the session's process, and never changed. Pure.
package struct SessionRule: Equatable, Sendable {
    /// Where a session leads.
    package enum Place: Equatable, Sendable {
        case host
        /// The gateway's own commands.
        case gate
        /// The book, for the watcher of a host: nothing but deliveries.
        case book
        /// Nowhere, for a reason.
        case nowhere(reason: String)
    }

    /// The one program of a grant for file transfer.
    package static let fileTransfer = "sftp"
    /// What of the host's own sshd serves it, without a shell of the user and the files that a shell reads.
    package static let fileTransferCommand = "internal-sftp"

    private let place: Place
    private let permissions: Permissions
    private let acceptedEnvironment: [String]
    private let guardedPorts: Set<UInt32>

    /// - Parameters:
    ///   - permissions: what is permitted on a host; of no account elsewhere.
    ///   - acceptedEnvironment: patterns of the names of variables that are passed on.
    ///   - guardedPorts: on which hosts of the directory have their sshd: nothing but a jump leads there.
    package init(
        _ place: Place, _ permissions: Permissions = Permissions(), acceptedEnvironment: [String] = [],
        guardedPorts: some Sequence<UInt32> = []
    ) {
        self.place = place
        self.permissions = permissions
        self.acceptedEnvironment = acceptedEnvironment
        self.guardedPorts = Set(guardedPorts)
    }

    /// Decides about one act.
    package func decide(_ act: Act) -> Ruling {
        switch place {
        case .host: decideOnHost(act)
        case .gate: decideOnGate(act)
        case .book: decideOnBook(act)
        case .nowhere(let reason): decideNowhere(act, reason)
        }
    }

    private func decideOnHost(_ act: Act) -> Ruling {
        switch act {
        case .session:
            permissions.programs == .none ? .refused(Self.runsNothing) : .permitted
        case .shell, .command: permit(permissions.programs == .all)
        case .terminal, .resizeTerminal:
            permissions.terminal || permissions.programs != .all
                ? permit(permissions.programs == .all) : .refused("a terminal is not granted")
        case .subsystem(let name):
            permit(
                permissions.programs == .all
                    || permissions.programs == .files && name == Self.fileTransfer)
        case .signal: permit(permissions.programs != .none)
        case .environment(let name):
            permissions.programs == .all
                && EnvironmentPattern.accepts(name, patterns: acceptedEnvironment)
                ? .permitted : .refused("this variable is not passed on")
        case .agentRequest:
            permissions.agent ? .permitted : .refused("forwarding an agent is not granted")
        case .agent(let isOffered):
            permissions.agent && isOffered ? .permitted : .refused(Self.unasked)
        case .connect(let host, let port): decideAboutConnection(to: host, port)
        case .listen:
            permissions.remoteForwarding
                ? .permitted : .refused("listening on the host (-R) is not granted")
        // Whatever it was allowed to begin.
        case .stopListening: .permitted
        case .forwarded(let isListening):
            permissions.remoteForwarding && isListening ? .permitted : .refused(Self.unasked)
        case .jump(let host, let user):
            permissions.jumpObstacle.map { .refused($0.sentence(about: host, to: user)) } ?? .permitted
        case .otherChannel: .refused(Self.unknownChannel)
        case .otherChannelOfHost: .refused(Self.unasked)
        case .otherRequest, .otherGlobalRequest: .refused(Self.unknownRequest)
        }
    }

    /// The host dials, so the gateway cannot know where a name leads; what must not be reached is known by port and by address.
    private func decideAboutConnection(to host: String, _ port: UInt16) -> Ruling {
        if guardedPorts.contains(UInt32(port)) { return .jumpOnly }
        guard !permissions.forwarding.isEmpty else { return .refused("port forwarding is not granted") }
        guard permissions.forwarding.contains(port) else {
            return .refused("forwarding to port \(port) is not granted")
        }
        if LinkLocal.contains(host) {
            return .refused("link-local addresses hold the instance's own credentials")
        }
        return .permitted
    }

    private func decideOnGate(_ act: Act) -> Ruling {
        switch act {
        case .session, .terminal, .resizeTerminal, .shell, .command: .permitted
        case .connect(_, let port): decideAboutJump(port, orRefuse: "the gateway itself forwards nothing")
        case .otherChannel: .refused(Self.unknownChannel)
        default: .refused("the gateway's own commands know nothing of this")
        }
    }

    private func decideOnBook(_ act: Act) -> Ruling {
        switch act {
        // Which ones is known to the channel that delivers.
        case .session, .subsystem: .permitted
        // A watcher's session may not even ask for a jump.
        default: .refused("a watcher delivers, and does nothing else")
        }
    }

    private func decideNowhere(_ act: Act, _ reason: String) -> Ruling {
        switch act {
        // What a program needs before it is told why it does not run.
        case .terminal: .permitted
        case .connect(_, let port): decideAboutJump(port, orRefuse: reason)
        default: .refused(reason)
        }
    }

    private func decideAboutJump(_ port: UInt16, orRefuse reason: String) -> Ruling {
        guardedPorts.contains(UInt32(port)) ? .jumpOnly : .refused(reason)
    }

    private func permit(_ isPermitted: Bool) -> Ruling {
        if isPermitted { return .permitted }
        return .refused(permissions.programs == .none ? Self.runsNothing : Self.runsFileTransfer)
    }

    private static let runsNothing = "you may forward ports there and run nothing: use ssh -N with -L"
    private static let runsFileTransfer =
        "you may transfer files there and run nothing else: use sftp, or scp without -O"
    private static let unasked = "nobody asked for it"
    private static let unknownChannel = "this kind of channel is not relayed"
    private static let unknownRequest = "this kind of request is not relayed"
}
