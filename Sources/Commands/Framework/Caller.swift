package import Directory
package import Support

/// Who runs a command.
package enum Caller: Equatable, Sendable {
    /// The operator of the gateway's machine: root or the daemon's own user, by the peer of the Unix socket.
    case operatorOnMachine(uid: UInt32)

    /// A person of the directory, logged in over SSH.
    ///
    /// - role: as the directory says now, not when the session began.
    /// - hasShownKey: false for those whom a password has let in.
    case user(name: String, role: UserRole, session: String, address: String, hasShownKey: Bool = true)

    /// A person of the directory who has to enrol for one-time codes before anything else.
    case newcomer(name: String, session: String, address: String)

    /// May do everything.
    package var isAdministrator: Bool {
        switch self {
        case .operatorOnMachine: true
        case .user(_, let role, _, _, _): role == .admin
        case .newcomer: false
        }
    }

    /// May ask everything.
    package var isAuditor: Bool {
        switch self {
        case .operatorOnMachine: true
        case .user(_, let role, _, _, _): role != .user
        case .newcomer: false
        }
    }

    /// The person's name in the directory; nil for the operator.
    package var userName: String? {
        switch self {
        case .operatorOnMachine: nil
        case .user(let name, _, _, _, _), .newcomer(let name, _, _): name
        }
    }

    /// The session over which the caller came; nil for the operator.
    package var session: String? {
        switch self {
        case .operatorOnMachine: nil
        case .user(_, _, let session, _, _), .newcomer(_, let session, _): session
        }
    }

    /// Where the caller's client is; nil for the operator.
    package var address: String? {
        switch self {
        case .operatorOnMachine: nil
        case .user(_, _, _, let address, _), .newcomer(_, _, let address): address
        }
    }

    /// Where the caller's client is, as grants hold there or not; the operator's place does not count.
    package var origin: Origin { address.map { Origin(client: $0) } ?? .anywhere }

    /// How the event log names the caller.
    package var description: String {
        switch self {
        case .operatorOnMachine(let uid): "uid \(uid)"
        case .user(let name, _, _, _, _), .newcomer(let name, _, _): name
        }
    }

    /// Has the caller have come by a key: whoever has somebody's password must not make more of it.
    ///
    /// - Throws: `CommandError` with `.refused`.
    func requireKey(instead command: String) throws(CommandError) {
        guard case .user(_, _, _, _, false) = self else { return }
        throw CommandError(
            .refused, "you have logged in without a key, and whoever has your password could do so too",
            hint: "log in with a key, or ask an administrator for '\(command)'")
    }

    /// The one place that says who may run what.
    ///
    /// - Throws: `CommandError` with `.refused`.
    package func mayRun(_ command: any Command.Type) throws(CommandError) {
        if case .newcomer(let name, _, _) = self, !command.isForNewcomers {
            throw CommandError(
                .refused, "one-time codes are asked for here, and you have none yet",
                hint: "ssh -t \(name)+gate@GATEWAY totp enrol")
        }
        switch command.audience {
        case .everyone: return
        case .auditor: if isAuditor { return }
        case .administrator: if isAdministrator { return }
        }
        throw CommandError(
            .refused,
            "only \(command.audience == .auditor ? "an auditor or " : "")an administrator may do this",
            hint: "'help' lists what you may do")
    }
}
