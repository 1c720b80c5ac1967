import Audit
import Authentication
import Configuration
import Control
import Directory
import Routing
import SSHKeys
import Support

extension SessionMonitor {
    /// An attempt to log in that failed; the reason is for the log only.
    struct Rejection {
        /// As the client gave it.
        let login: String
        let key: [UInt8]?
        let reason: String
    }

    /// Whether a key would do; the client has proved nothing yet, so nothing else happens.
    func probe(login: String, key: [UInt8]) throws -> SessionReply {
        switch try KeyDecision(login: LoginName(login), key: key, in: gateway.directory) {
        case .accepted, .acceptedWatcher: .keyAcceptable
        case .rejected(let reason):
            try reject(Rejection(login: login, key: key, reason: reason.rawValue))
        }
    }

    /// Logs in who has proved to have a key, in the log first.
    func logIn(login text: String, key: [UInt8], clientVersion: String) throws -> SessionReply {
        guard let name = LoginName(text) else {
            return try reject(
                Rejection(login: text, key: key, reason: KeyDecision.Reason.malformedName.rawValue))
        }
        switch try KeyDecision(login: name, key: key, in: gateway.directory) {
        case .rejected(let reason):
            return try reject(Rejection(login: text, key: key, reason: reason.rawValue))
        case .acceptedWatcher(let host, let fingerprint):
            return try openDelivery(of: host, key: key, fingerprint: fingerprint)
        case .accepted(let user, let fingerprint):
            let route = try Router(directory: gateway.directory).route(user: user.name, target: name.target)
            let (destination, passedOver) = gateway.board.seat(session, of: user.name, on: route)
            var login = Login(user: user, target: name.target)
            if case .host(let access) = destination {
                login.host = access.host.name
                login.remark = passedOver?.sentence(insteadOn: access.host.name)
            }
            let grant = try grant(to: login, destination)
            try open(login, key: key, fingerprint: fingerprint, clientVersion: clientVersion, grant: grant)
            return .accepted(grant)
        }
    }

    /// What the destination and the settings allow in this session.
    private func grant(to login: Login, _ destination: Destination) throws -> SessionGrant {
        var grant = SessionGrant(
            user: login.user.name, target: .gate, mayForward: false, mayForwardAgent: false,
            acceptedEnvironment: settings.configuration.acceptedEnvironment.map(\.text),
            guardedPorts: try JumpPolicy(directory: gateway.directory).guardedPorts().map { UInt32($0) })
        switch destination {
        case .gate: break
        case .host(let access):
            grant.target = .host
            grant.mayForward = access.rights.forwarding
            grant.mayForwardAgent = access.rights.agent
        case .refused(let refusal): grant.target = .none(reason: refusal.sentence)
        }
        return grant
    }

    private func open(
        _ login: Login, key: [UInt8], fingerprint: String, clientVersion: String, grant: SessionGrant
    ) throws {
        self.login = login
        var isNoted = false
        defer { if !isNoted { self.login = nil } }
        var detail = ["client": clientVersion]
        detail["target"] = login.target
        try gateway.events.start(
            Session(
                id: session.description, user: login.user.name, target: login.target, host: login.host,
                keyFingerprint: fingerprint, clientAddress: peer.host, clientVersion: clientVersion,
                process: Audit.SessionProcess(pid: child.pid, start: child.startTime)),
            with: [
                event(.authenticationAccepted, ["key": fingerprint, "method": "publickey"]),
                event(.sessionStarted, detail),
            ])
        isNoted = true
        // Only a comfort of 'key list'.
        try? gateway.directory.noteUse(ofKey: key)
        state = SessionState(granted: grant.target)
        gateway.limits.withLock { $0.authenticated(from: peer.host) }
        gateway.penalties.withLock { $0.noteSuccess(from: peer.host) }
        gateway.sessions.add(
            SessionRegistry.Entry(
                session: session, process: child.handle, user: login.user.name, host: login.host))
        log.info(
            "login",
            ["user.name": login.user.name, "peer.address": peer.host, "key.fingerprint": fingerprint])
    }

    /// Notes a failed attempt, then counts it.
    ///
    /// - Throws: when it cannot be written.
    func reject(_ rejection: Rejection) throws -> SessionReply {
        // Bounded: the client chose it.
        let name = String(rejection.login.prefix(100))
        var detail = ["login": name, "reason": rejection.reason]
        if let key = rejection.key {
            detail["key"] = (try? PublicKey(blob: key).fingerprint) ?? "of an unknown kind"
        }
        try gateway.events.append(
            Event(
                .authenticationRejected, session: session.description,
                user: LoginName(rejection.login)?.user, address: peer.host, detail: detail))
        log.info(
            "login rejected",
            ["login.name": name, "peer.address": peer.host, "reason": rejection.reason])
        guard attempts.countFailure() else { return .rejected }
        return .disconnect(reason: "Too many authentication failures")
    }
}
