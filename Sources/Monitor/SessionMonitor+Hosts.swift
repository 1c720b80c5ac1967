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
        connections += 1
        gateway.sessions.noteConnection(of: session, to: host.name)
        let connection = HostConnection(
            host: host.name, user: login.user.name, hostKeys: host.keys.map(\.blob),
            certificate: signed.blob, remark: self.login?.remark ?? "")
        self.login?.remark = nil
        return (.host(connection), [socket])
    }

    static func changedSentence(about host: String) -> String {
        "What you may do on \(host) has changed since you logged in. Log in again."
    }

    /// The upstream login stands.
    func noteHostReady() throws {
        let required = login?.required ?? []
        try note(.hostConnected, required.isEmpty ? [:] : ["required": required.text])
        misses = Misses()
        if let host = login?.host { gateway.board.noteHandshake(with: host) }
        log.info("host connected", ["host.name": login?.host ?? ""])
    }

    /// The connection to the host could not be used, says the session's process.
    ///
    /// - Returns: what the session does about it.
    func noteHostFailure(_ failure: HostFailure, detail: String) throws -> SessionReply {
        let host = login?.host ?? ""
        let isGiven = connections > 0
        connections = max(0, connections - 1)
        try note(.hostFailed, ["reason": failure.sentence(about: host), "detail": detail])
        let level: Log.Level = failure == .wrongHostKey ? .warning : .notice
        log.write(
            level, "host failed",
            ["host.name": host, "reason": failure.sentence(about: host), "detail": detail])
        switch failure {
        case .wrongHostKey: gateway.inventory.doubt(host)
        case .handshake:
            if isGiven, let known = try gateway.directory.findHost(host) {
                gateway.noteFailure(of: known, detail, isHandshake: true)
            }
            return try leave(host, detail)
        case .brokenLogin:
            // Its sshd speaks: what befell one person says nothing of the others.
            gateway.board.noteHandshake(with: host)
            return try leave(host, detail)
        case .connectionLost:
            gateway.sessions.noteLoss(session)
            gateway.board.doubt(host)
        case .loginRefused: return try adviseAfterRefusal()
        }
        return .noted
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
            ? Caller.newcomer(name: user.name, session: session.description, address: clientAddress)
            : Caller.user(
                name: user.name, role: user.role, session: session.description, address: clientAddress,
                hasShownKey: progress.key != nil)
        try Thread.start("command") { [gateway, commands] in
            defer { commands.withLock { $0 -= 1 } }
            gateway.commandService.serve(ours, for: caller)
        }
        return (.commandStarted, [theirs.descriptor])
    }

    func refuse(_ what: String, _ reason: String) throws -> SessionReply {
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
        case .brokenLogin: "\(host) broke the login off"
        case .loginRefused: "\(host) refused the login"
        case .connectionLost: "the connection to \(host) was lost"
        }
    }
}
