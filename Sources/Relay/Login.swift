import Control
import SSH
import Support

/// The first part of a session: key exchange with the client and proof of who it is.
///
/// Everything here happens before anybody is trusted, within the login grace time. An identity comes only from a signature that libssh
/// verified, with the key of that very message; a probe proves nothing. What else is asked for, and when it is enough, the daemon says.
struct Login {
    private let daemon: DaemonLink
    private let settings: ConnectionSettings
    private let transport: ServerTransport
    private let deadline: MonotonicTime
    private var attempts = 0
    /// The user name of the questions that wait for answers: the answers name none.
    private var questioned: String?

    /// A client that only asks, without an attempt that the daemon counts, is cut off after this many messages.
    private static let messageLimit = 64

    init(daemon: DaemonLink, settings: ConnectionSettings, client: Descriptor) throws(SSHError) {
        self.daemon = daemon
        self.settings = settings
        deadline = .now + .seconds(Int64(settings.loginGraceSeconds))
        transport = try ServerTransport(
            serving: client, hostKeys: settings.hostKeys, rekeyBytes: settings.rekeyBytes,
            methods: settings.methods)
    }

    /// Runs to the end.
    ///
    /// - Returns: the connection and what its user may do; nil when nobody logged in.
    mutating func run() -> (transport: ServerTransport, grant: SessionGrant)? {
        do {
            while try transport.handshake() != .done {
                transport.acknowledgeQuickly()
                guard waitForClient() else { return nil }
            }
            try transport.startProcessing()
        } catch {
            return nil
        }
        while true {
            while let message = transport.nextMessage() {
                attempts += 1
                guard attempts <= Self.messageLimit else { return nil }
                switch answer(message) {
                case .goOn: break
                case .accepted(let grant): return (transport, grant)
                case .stop:
                    transport.disconnect()
                    return nil
                }
            }
            transport.acknowledgeQuickly()
            guard waitForClient(), transport.process() else { return nil }
        }
    }

    private func waitForClient() -> Bool {
        guard !transport.isClosed, MonotonicTime.now < deadline else { return false }
        Watchdog.feed()
        var poller = Poller()
        poller.add(transport.descriptor, writing: transport.wantsToWrite)
        poller.limit(to: deadline)
        poller.wait()
        return true
    }

    private enum Outcome {
        case goOn
        case accepted(SessionGrant)
        case stop
    }

    private mutating func answer(_ message: IncomingMessage) -> Outcome {
        switch message.kind {
        case .service(let name):
            guard name == "ssh-userauth" else { return .stop }
            message.acceptService()
            if !settings.banner.isEmpty { transport.sendBanner(settings.banner) }
            return .goOn
        case .authentication(let user, let method):
            return authenticate(user, method, message)
        default:
            // Channels and forwards before a login: nobody honest asks for them.
            return .stop
        }
    }

    private mutating func authenticate(
        _ user: String, _ method: IncomingMessage.AuthenticationMethod, _ message: IncomingMessage
    ) -> Outcome {
        let request: SessionRequest
        // Whatever comes, nothing else answers these questions.
        let asked = questioned
        questioned = nil
        switch method {
        case .none:
            message.refuse()
            return .goOn
        case .publicKeyProbe(let key): request = .probeKey(login: user, key: key)
        case .publicKeyVerified(let key):
            request = .verifiedKey(login: user, key: key, clientVersion: transport.clientVersion)
        case .interactive: request = .interactive(login: user, clientVersion: transport.clientVersion)
        case .answers(let answers):
            let isUsable =
                answers.count <= Questions.countLimit
                && answers.allSatisfy { $0.count <= Questions.answerLimit }
            if asked != nil, isUsable {
                request = .answers(answers)
            } else {
                request = .refusedMethod(
                    login: asked ?? "",
                    method: asked == nil ? "an answer to no question" : "an answer of that length")
            }
        case .password(let password):
            request =
                password.count <= Questions.answerLimit
                ? .password(login: user, password: password, clientVersion: transport.clientVersion)
                : .refusedMethod(login: user, method: "a password of that length")
        case .other(let name): request = .refusedMethod(login: user, method: name)
        }
        switch (daemon.askAndWait(request, for: transport.descriptor).reply, method) {
        case (.keyAcceptable, .publicKeyProbe):
            message.acceptKeyProbe()
            return .goOn
        case (.accepted(let grant), .publicKeyVerified), (.accepted(let grant), .interactive),
            (.accepted(let grant), .answers), (.accepted(let grant), .password):
            message.acceptLogin()
            return .accepted(grant)
        case (.partiallyAccepted(let methods), .publicKeyVerified),
            (.partiallyAccepted(let methods), .interactive), (.partiallyAccepted(let methods), .answers),
            (.partiallyAccepted(let methods), .password):
            message.acceptPartially(methods: methods)
            return .goOn
        case (.questions(let questions), .interactive):
            questioned = user
            message.ask(
                instruction: questions.instruction,
                prompts: questions.prompts.map { ($0.text, $0.isEchoed) })
            return .goOn
        case (.questions(let questions), .answers):
            questioned = asked
            message.ask(
                instruction: questions.instruction,
                prompts: questions.prompts.map { ($0.text, $0.isEchoed) })
            return .goOn
        case (.rejected, _):
            message.refuse()
            return .goOn
        case (.disconnect(let reason), _):
            // libssh has one fixed text for its disconnect message: the reason goes by the banner.
            transport.sendBanner("gatehouse: \(reason)\r\n")
            message.refuse()
            return .stop
        default:
            message.refuse()
            return .stop
        }
    }
}
