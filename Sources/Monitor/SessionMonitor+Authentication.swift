import Audit
import Authentication
import Authorization
import Configuration
import Control
import Directory
import Front
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
        if let refusal = try refuseOtherName(login) ?? leaveQuestions() { return refusal }
        guard progress.key == nil else {
            return try reject(Rejection(login: login, key: key, reason: "a key was shown already"))
        }
        switch try decide(about: key, for: LoginName(login)) {
        case .accepted, .acceptedWatcher: return .keyAcceptable
        case .rejected(let reason):
            return try reject(Rejection(login: login, key: key, reason: reason.rawValue))
        }
    }

    /// Logs in who has shown all that is asked for, in the log first.
    func logIn(_ decision: AuthenticationDecision) throws -> SessionReply {
        let target = decision.name.target
        let (destination, passedOver) = gateway.board.seat(
            session, of: decision.user.name, on: decision.route)
        var login = Login(
            user: decision.user, target: target, certificate: decision.certificate,
            isEnrolling: decision.isEnrolling, shown: decision.shown)
        if case .host(let access) = destination {
            login.host = access.host.name
            login.rights = access.rights
            login.required = access.required
            login.remark = passedOver?.sentence(insteadOn: access.host.name)
        }
        let grant = try grant(to: login, destination)
        login.recording = grant.recording
        try open(login, decision, grant: grant)
        return .accepted(grant)
    }

    func decide(about key: [UInt8], for login: LoginName?) throws -> KeyDecision {
        try KeyDecision(login: login, key: key, from: clientAddress, at: .now, in: gateway.directory)
    }

    /// What the destination and the settings allow in this session.
    private func grant(to login: Login, _ destination: Destination) throws -> SessionGrant {
        var grant = SessionGrant(
            user: login.user.name, target: .gate, permissions: Permissions(),
            acceptedEnvironment: settings.configuration.acceptedEnvironment.map(\.text),
            guardedPorts: try jumpPolicy.guardedPorts().map { UInt32($0) },
            wantsFileDigests: settings.configuration.wantsFileDigests)
        switch destination {
        case .gate:
            if login.certificate?.forcedCommand != nil {
                grant.target = .none(
                    reason:
                        "Your certificate is for one command on a host: it runs none of the gateway's own.")
            }
        case .host(let access):
            grant.target = .host
            grant.permissions = access.rights.permissions.narrowed(by: login.certificate)
            if let demand = recordingDemand(access.rights) {
                grant.recording = demand
            } else {
                let host = access.host.name
                grant.target = .none(
                    reason:
                        "Your grant for \(host) demands a recording, and this gateway records nothing (RecordSessions none). Tell your administrator."
                )
            }
        case .refused(let refusal): grant.target = .none(reason: refusal.sentence)
        }
        return grant
    }

    private func open(_ login: Login, _ decision: AuthenticationDecision, grant: SessionGrant) throws {
        let fingerprint = decision.fingerprint
        let clientVersion = decision.clientVersion
        self.login = login
        var isNoted = false
        defer { if !isNoted { self.login = nil } }
        var detail = ["client": clientVersion]
        detail["target"] = login.target
        // What has ended since is known by this also to a daemon that was started later.
        detail["given"] = login.given?.text
        var proof = ["method": decision.factors.map(\.rawValue).joined(separator: ",")]
        proof["key"] = fingerprint
        if !login.required.isEmpty { proof["required"] = login.required.text }
        proof["code_age"] = decision.grace.map { String($0.components.seconds) }
        if decision.isEnrolling { proof["only"] = "enrolling for one-time codes" }
        if let certificate = login.certificate {
            proof.merge(certificate.record) { $1 }
            proof["command"] = certificate.forcedCommand
        }
        try gateway.events.start(
            Session(
                id: session.description, user: login.user.name, target: login.target, host: login.host,
                keyFingerprint: fingerprint, clientAddress: peer.host, clientVersion: clientVersion,
                process: Audit.SessionProcess(pid: child.pid, start: child.startTime)),
            with: [
                event(.authenticationAccepted, proof),
                event(.sessionStarted, detail),
            ])
        isNoted = true
        // Only a comfort of 'key list'.
        if let key = decision.key { try? gateway.directory.noteUse(ofKey: key.blob) }
        try openGraceWindow(for: decision)
        state = SessionState(granted: grant.target)
        gateway.limits.withLock { $0.authenticated(from: peer.host) }
        gateway.penalties.withLock { $0.noteSuccess(from: peer.host) }
        gateway.sessions.add(
            SessionRegistry.Entry(
                session: session, process: child.handle, user: login.user.name, from: origin,
                host: login.host, rights: login.given))
        log.info(
            "login",
            ["user.name": login.user.name, "peer.address": peer.host, "key.fingerprint": fingerprint ?? ""])
    }

    /// A key or a certificate for the event log, as it says itself.
    private static func description(of blob: [UInt8]) -> [String: String] {
        guard let certificate = try? PresentedCertificate(blob: blob) else {
            return ["key": (try? PublicKey(blob: blob).fingerprint) ?? "of an unknown kind"]
        }
        return [
            "key": certificate.subject.fingerprint, "ca": certificate.authority.fingerprint,
            "key.id": certificate.keyIDText, "serial": String(certificate.serial),
        ]
    }

    /// Notes a failed attempt, then counts it.
    ///
    /// - Throws: when it cannot be written.
    func reject(_ rejection: Rejection) throws -> SessionReply {
        // Bounded: the client chose it.
        let name = String(rejection.login.prefix(100))
        var detail = ["login": name, "reason": rejection.reason]
        if let key = rejection.key { detail.merge(Self.description(of: key)) { $1 } }
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
