import Audit
import Authentication
import Authorization
import Commands
import Configuration
import Control
import Directory
import Routing
import SSHKeys
import Support

extension SessionMonitor {
    /// Hosts of a pool that are tried for one session.
    private static let hostLimit = 3
    /// Commands of one session that run at a time.
    private static let commandLimit = 16

    /// Dials the session's host and signs a certificate for the session's fresh key.
    func connect(publicKey blob: [UInt8]) throws -> (SessionReply, [Descriptor]) {
        guard let login else { throw Violation(description: "nobody has logged in") }
        let subject = try PublicKey(blob: blob)
        if let refusal = try prepareIfDue(for: login) { return (refusal, []) }
        let access: Access
        let socket: Descriptor
        switch try dial(for: login) {
        case .refused(let reply): return (reply, [])
        case .connected(let host, let connection): (access, socket) = (host, connection)
        }
        let host = access.host
        if access.rights.record, !login.recording.isRequired {
            let sentence =
                "Your grant for \(host.name) demands a recording, since after this session began: log in again."
            return (try refuse("connect", sentence), [])
        }
        guard let given = login.rights, access.rights.cover(given) else {
            return (try refuse("connect", Self.changedSentence(about: host.name)), [])
        }
        if try announcePreparation(of: login.user.name, on: host.name) {
            return (.preparing(host: host.name), [])
        }
        if !given.sudo, let reason = try remainderOfSudo(of: login.user.name, on: host.name) {
            return (try refuse("connect", reason), [])
        }
        var certificate = UserCertificate(
            for: subject, serial: .random(in: 1...UInt64.max),
            keyID: "gatehouse:\(session):\(login.user.name)", principals: [login.user.name],
            validity: settings.configuration.certificateValidity)
        certificate.permit(given.permissions, to: login.certificate)
        let signed = try settings.authority.sign(certificate)
        state = .onHost
        gateway.sessions.noteConnection(of: session)
        let connection = HostConnection(
            host: host.name, user: login.user.name, hostKeys: host.keys.map(\.blob),
            certificate: signed.blob, remark: self.login?.remark ?? "")
        self.login?.remark = nil
        return (.host(connection), [socket])
    }

    private static func changedSentence(about host: String) -> String {
        "What you may do on \(host) has changed since you logged in. Log in again."
    }

    private enum Dialled {
        case connected(Access, Descriptor)
        case refused(SessionReply)
    }

    /// Dials the host of the session; before the first connection, the next ones of its pool if it does not answer.
    private func dial(for login: Login) throws -> Dialled {
        guard var name = login.host else { throw Violation(description: "there is no host") }
        var avoided: Set<String> = []
        while true {
            // As the directory says now: the grant may have ended since the login.
            let access: Access
            let entry = try gateway.directory.entry(
                of: login.user.name, to: name, showing: login.shown, from: origin)
            switch entry {
            case .open(let found): access = found
            case .lacking: return .refused(try refuse("connect", Self.changedSentence(about: name)))
            case .elsewhere:
                return .refused(try refuse("connect", Refusal.elsewhere(name, origin).sentence))
            case .closed:
                return .refused(try refuse("connect", "You may not reach \(name) any more."))
            }
            // A session that is there already may go on while others are kept away.
            if let obstacle = state == .beforeHost ? access.obstacle : access.outage {
                avoided.insert(name)
                guard state == .beforeHost,
                    let other = try move(
                        from: access, because: access.obstruction, avoiding: avoided, for: login)
                else { return .refused(try refuse("connect", obstacle.sentence)) }
                name = other
                continue
            }
            if let reply = try wake(access, for: login) { return .refused(reply) }
            guard !access.host.keys.isEmpty else {
                let sentence =
                    "No host key of \(name) is known yet, so nothing is sent to it. Ask your administrator."
                return .refused(try refuse("connect", sentence))
            }
            do {
                return .connected(access, try gateway.dial(access.host, reason: reason(for: login)))
            } catch {
                if renew(access) != nil { continue }
                try note(.hostFailed, host: name, ["reason": "\(error)"])
                log.warning("host unreachable", ["host.name": name, "error": "\(error)"])
                avoided.insert(name)
                guard state == .beforeHost, avoided.count < Self.hostLimit,
                    let other = try move(
                        from: access, because: .notAnswering(name), avoiding: avoided, for: login)
                else { return .refused(.refused(reason: "\(name) cannot be reached: \(error)")) }
                name = other
            }
        }
    }

    /// What AWS shows of a tunnel, as in the certificate of the session.
    private func reason(for login: Login?) -> String { "gatehouse:\(session):\(login?.user.name ?? "")" }

    /// Takes the session to another host of the pool with the same rights: those that it was granted at its login.
    ///
    /// What its grants require is decided anew: whoever has not shown that stays.
    /// - Returns: the other host; nil: there is none, and the session stays where it is.
    private func move(
        from access: Access, because reason: PassedOver?, avoiding avoided: Set<String>, for login: Login
    ) throws -> String? {
        let route = try Router(directory: gateway.directory).route(
            user: login.user.name, target: login.target, showing: login.shown, from: origin)
        guard case .pool(var pool) = route else { return nil }
        pool.keepEqual(to: access)
        let (destination, passedOver) = gateway.board.seat(
            session, of: login.user.name, on: .pool(pool), avoiding: avoided)
        guard case .host(let other) = destination, other.required.isSubset(of: login.shown) else {
            return nil
        }
        let host = other.host.name
        self.login?.host = host
        self.login?.required = other.required
        self.login?.remark = (passedOver ?? reason)?.sentence(insteadOn: host)
        try gateway.events.update(session.description, SessionUpdate(host: host))
        return host
    }

    /// The upstream login stands.
    func noteHostReady() throws {
        let required = login?.required ?? []
        try note(.hostConnected, required.isEmpty ? [:] : ["required": required.text])
        log.info("host connected", ["host.name": login?.host ?? ""])
    }

    /// The connection to the host could not be used, says the session's process.
    func noteHostFailure(_ failure: HostFailure, detail: String) throws {
        let host = login?.host ?? ""
        try note(.hostFailed, ["reason": failure.sentence(about: host), "detail": detail])
        let level: Log.Level = failure == .wrongHostKey ? .warning : .notice
        log.write(
            level, "host failed",
            ["host.name": host, "reason": failure.sentence(about: host), "detail": detail])
        switch failure {
        case .wrongHostKey: gateway.inventory.doubt(host)
        case .handshake: gateway.board.noteFailure(of: host, detail)
        case .connectionLost:
            gateway.sessions.noteLoss(session)
            gateway.board.doubt(host)
        case .loginRefused: break
        }
    }

    /// A jump: joined to a host of the directory by the directory's address, or refused, or no jump at all.
    func jump(to name: String, port: UInt32) throws -> (SessionReply, [Descriptor]) {
        guard let login else { throw Violation(description: "nobody has logged in") }
        if login.isEnrolling {
            return (
                try refuse(
                    "jump to \(name):\(port)",
                    "One-time codes are asked for here, and you have none: ssh -t \(login.user.name)+gate@GATEWAY totp enrol"
                ),
                []
            )
        }
        // What either of the certificate and the grants forbids is forbidden.
        if let obstacle = login.certificate?.obstacleToJumps {
            return (try refuse("jump to \(name):\(port)", obstacle), [])
        }
        let policy = JumpPolicy(directory: gateway.directory)
        let decision = try policy.decide(
            user: login.user.name, host: name, port: port, showing: login.shown, from: origin)
        switch decision {
        case .notAJump:
            return (.notAJump, [])
        case .refused(let reason):
            return (try refuse("jump to \(name):\(port)", reason), [])
        case .join(let access):
            return try join(access, for: login, askedFor: "\(name):\(port)")
        case .joinSome(let pool):
            return try join(pool, for: login, askedFor: "\(name):\(port)")
        }
    }

    /// Joins with one host, which is looked up at the cloud if it does not answer.
    private func join(
        _ access: Access, for login: Login, askedFor asked: String
    ) throws -> (SessionReply, [Descriptor]) {
        var access = access
        while true {
            if let reply = try wakeForJump(access, for: login) { return (reply, []) }
            if let refusal = try prepareForJump(of: login.user.name, to: access.host.name) {
                return (refusal, [])
            }
            let (reply, sockets) = try join(access, askedFor: asked)
            guard sockets.isEmpty, let sleeping = renew(access) else { return (reply, sockets) }
            access = sleeping
        }
    }

    /// Joins with a host of a pool; the next one where one does not answer or cannot give the user an account.
    private func join(
        _ pool: PoolRoute, for login: Login, askedFor asked: String
    ) throws -> (SessionReply, [Descriptor]) {
        var pool = pool
        // The one that is being woken for this session: it may no longer be the best, but it is the one that was started.
        let awaited = pool.members.filter { waking.turns[$0.host.name] != nil && $0.obstruction == nil }
        if !awaited.isEmpty { pool.members = awaited }
        var avoided: Set<String> = []
        var silent: [Access] = []
        var refusal: SessionReply?
        while avoided.count < Self.hostLimit {
            let (destination, _) = gateway.board.seat(
                session, of: login.user.name, on: .pool(pool), isJump: true, keepsSeat: state == .onHost,
                avoiding: avoided)
            guard case .host(let access) = destination else { break }
            avoided.insert(access.host.name)
            if let reply = try wakeForJump(access, for: login) { return (reply, []) }
            if let reply = try prepareForJump(of: login.user.name, to: access.host.name) {
                refusal = reply
                continue
            }
            let (reply, sockets) = try join(access, askedFor: asked, awaitsBanner: true)
            if !sockets.isEmpty { return (reply, sockets) }
            refusal = reply
            silent.append(access)
        }
        // None is up, so one may be woken of which nobody knew that it sleeps.
        for access in silent {
            if let sleeping = renew(access) { return try join(sleeping, for: login, askedFor: asked) }
        }
        if let refusal { return (refusal, []) }
        return (try refuse("jump to \(asked)", Refusal.noOpenHost(pool.name).sentence), [])
    }

    private func join(
        _ access: Access, askedFor asked: String, awaitsBanner: Bool = false
    ) throws -> (SessionReply, [Descriptor]) {
        let host = access.host
        guard var rights = access.rights.givenToJump else {
            return (try refuse("jump to \(asked)", "Jumps to \(host.name) are not granted."), [])
        }
        rights.shown = login?.shown ?? []
        let place = "\(host.name):\(host.port)"
        do {
            let socket = try gateway.dial(host, reason: reason(for: login), awaitsBanner: awaitsBanner)
            let opened = asked == place ? place : "\(place) as \(asked)"
            var detail = ["kind": "jump", "detail": opened]
            // By this the host's sshd, which sees no certificate of ours here, can tell which session it is.
            detail["local"] = TCP.localAddress(of: socket)?.description
            detail["given"] = rights.text
            try note(.channelOpened, host: host.name, detail)
            gateway.sessions.noteJump(
                to: host.name, of: session, rights: rights, isSeat: state != .onHost)
            return (.joined(place: opened), [socket])
        } catch let error as TCPError {
            try note(.hostFailed, host: host.name, ["reason": "\(error)", "detail": "jump"])
            return (.refused(reason: "\(host.name) cannot be reached: \(error)"), [])
        }
    }

    /// Runs a command of the gateway for this user, on a thread of its own.
    func runCommand() throws -> (SessionReply, [Descriptor]) {
        guard let login else { throw Violation(description: "nobody has logged in") }
        // As the directory says now: who was locked a moment ago runs nothing.
        guard let user = try gateway.directory.findUser(login.user.name), user.state == .active,
            user.networks.admit(origin)
        else {
            return (try refuse("command", "You may not log in any more."), [])
        }
        // Each is a thread of the daemon for as long as the client likes to take its output.
        let hasRoom = commands.withLock { count in
            guard count < Self.commandLimit else { return false }
            count += 1
            return true
        }
        guard hasRoom else {
            return (try refuse("command", "too many commands at a time"), [])
        }
        let (ours, theirs) = try MessageSocket.pair()
        let caller =
            login.isEnrolling
            ? Caller.newcomer(name: user.name, session: session.description, address: peer.host)
            : Caller.user(
                name: user.name, role: user.role, session: session.description, address: peer.host,
                hasShownKey: progress.key != nil)
        try Thread.start("command") { [gateway, commands] in
            defer { commands.withLock { $0 -= 1 } }
            gateway.commandService.serve(ours, for: caller)
        }
        return (.commandStarted, [theirs.descriptor])
    }

    private func refuse(_ what: String, _ reason: String) throws -> SessionReply {
        try note(.refused, ["what": what, "reason": reason])
        return .refused(reason: reason)
    }
}

extension HostFailure {
    /// What happened, for the event log.
    func sentence(about host: String) -> String {
        switch self {
        case .wrongHostKey: "\(host) showed a host key that is not the one in the directory"
        case .handshake: "\(host) and the gateway could not agree on how to speak"
        case .loginRefused: "\(host) refused the login"
        case .connectionLost: "the connection to \(host) was lost"
        }
    }
}
