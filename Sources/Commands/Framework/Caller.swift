package import Directory

/// Who runs a command.
package enum Caller: Equatable, Sendable {
    /// The operator of the gateway's machine: root or the daemon's own user, by the peer of the Unix socket.
    case operatorOnMachine(uid: UInt32)

    /// A person of the directory, logged in over SSH.
    ///
    /// - role: as the directory says now, not when the session began.
    case user(name: String, role: UserRole, session: String, address: String)

    /// May do everything.
    package var isAdministrator: Bool {
        switch self {
        case .operatorOnMachine: true
        case .user(_, let role, _, _): role == .admin
        }
    }

    /// May ask everything.
    package var isAuditor: Bool {
        switch self {
        case .operatorOnMachine: true
        case .user(_, let role, _, _): role != .user
        }
    }

    /// The person's name in the directory; nil for the operator.
    package var userName: String? {
        if case .user(let name, _, _, _) = self { name } else { nil }
    }

    /// The session over which the caller came; nil for the operator.
    package var session: String? {
        if case .user(_, _, let session, _) = self { session } else { nil }
    }

    /// Where the caller's client is; nil for the operator.
    package var address: String? {
        if case .user(_, _, _, let address) = self { address } else { nil }
    }

    /// How the event log names the caller.
    package var description: String {
        switch self {
        case .operatorOnMachine(let uid): "uid \(uid)"
        case .user(let name, _, _, _): name
        }
    }

    /// The one place that says who may run what.
    ///
    /// - Throws: `CommandError` with `.refused`.
    package func mayRun(_ command: any Command.Type) throws(CommandError) {
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
