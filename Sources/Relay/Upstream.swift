import CSupport
import Control
import SSH
import Support

/// One login at the host, as a state machine: ask the daemon, exchange keys, check the pinned key, log in.
///
/// Nothing is shown to the host before its key is known to be the pinned one.
final class Upstream {
    /// How far the login has come.
    enum State: Equatable {
        case asking
        case connecting
        case loggingIn
        case ready
        /// It cannot be had, or it is gone; a sentence for the user.
        case failed(String)
    }

    private(set) var state = State.asking

    /// The connection, once the daemon gave a socket.
    private(set) var transport: ClientTransport?

    /// The host's name, once known.
    private(set) var host = ""

    /// Session channels the host is trusted to allow on one connection (sshd_config(5), MaxSessions); lowered when it refuses earlier.
    var sessionLimit = 10

    /// Whether the host has opened a channel on it.
    var hasOpened = false

    /// Sessions the host has refused on this connection since it last allowed one.
    var refusalCount = 0

    /// Called with the host's name when the daemon makes the user's account there first.
    var onPreparation: ((String) -> Void)?

    /// Called each second or so while the host's instance is being started.
    var onWaking: ((WakeNews) -> Void)?

    /// Called with what the person is to be told about the host.
    var onRemark: ((String) -> Void)?

    private let daemon: DaemonLink
    private let rekeyBytes: UInt64
    private let timeout: Duration
    private var deadline: MonotonicTime?
    private var key: SessionKey
    private var pinned: [[UInt8]] = []
    private var certificate: [UInt8] = []

    /// Begins by asking the daemon for the host.
    ///
    /// - Throws: `SSHError` when no key can be made.
    init(daemon: DaemonLink, rekeyBytes: UInt64, timeout: Duration) throws(SSHError) {
        self.daemon = daemon
        self.rekeyBytes = rekeyBytes
        self.timeout = timeout
        key = try SessionKey()
        ask()
    }

    private func ask() {
        daemon.ask(.connect(publicKey: key.publicKey)) { [weak self] in self?.take($0) }
    }

    private func take(_ answer: DaemonLink.Answer) {
        switch answer.reply {
        case .host(let connection):
            guard let socket = answer.descriptors.first else {
                return fail("no connection came for \(connection.host)")
            }
            begin(connection, on: socket)
        case .refused(let reason): state = .failed(reason)
        case .preparing(let host): prepare(host)
        case .waking(let host, let state, let seconds):
            onWaking?(WakeNews(host: host, state: state, seconds: seconds))
            ask()
        default: state = .failed("the gateway did not answer")
        }
    }

    /// Asks again: the daemon answers when the account is made.
    private func prepare(_ host: String) {
        onPreparation?(host)
        askAgain()
    }

    private func askAgain() {
        state = .asking
        do {
            // A key takes one certificate.
            key = try SessionKey()
            ask()
        } catch {
            fail("no key for \(host) can be made: \(error)")
        }
    }

    private func begin(_ connection: HostConnection, on socket: Descriptor) {
        host = connection.host
        pinned = connection.hostKeys
        certificate = connection.certificate
        if !connection.remark.isEmpty { onRemark?(connection.remark) }
        do {
            try socket.setNonBlocking(true)
            transport = try ClientTransport(
                connecting: socket, user: connection.user, hostKeyTypes: pinned.compactMap(keyType),
                rekeyBytes: rekeyBytes)
            deadline = .now + timeout
            state = .connecting
            advance()
        } catch {
            report(.handshake, "\(error)")
        }
    }

    /// Goes on; call when the connection's descriptor is ready, or the time has come.
    func advance() {
        guard let transport else { return }
        do {
            if state == .connecting {
                transport.acknowledgeQuickly()
                guard try transport.connect() == .done else { return checkTime() }
                try checkHostKey(of: transport)
                try key.attach(certificate: certificate)
                state = .loggingIn
            }
            if state == .loggingIn {
                transport.acknowledgeQuickly()
                guard try transport.logIn(with: key) == .done else { return checkTime() }
                try transport.startProcessing()
                state = .ready
                deadline = nil
                daemon.ask(.hostReady) { [weak self] in self?.heed($0.reply) }
                // Two handshakes leave much behind, and the session may now be idle for days.
                gh_release_free_memory()
            }
        } catch {
            report(error)
        }
    }

    /// What cannot be noted does not happen. A daemon that is gone notes it later.
    private func heed(_ reply: SessionReply) {
        if case .refused(let reason) = reply, daemon.isAlive { fail(reason) }
    }

    private func checkHostKey(of transport: ClientTransport) throws(SSHError) {
        let shown = try transport.hostKey()
        guard pinned.contains(shown) else {
            throw SSHError(.badHostKey, "shown \(keyType(of: shown) ?? "an unknown key")")
        }
    }

    private func checkTime() {
        if let deadline, MonotonicTime.now >= deadline {
            report(broken, "it did not answer in \(timeout.milliseconds / 1_000) seconds")
        }
    }

    /// What it is when the connection ends now: it never stood, nobody was on the host.
    private var broken: HostFailure { state == .loggingIn ? .brokenLogin : .handshake }

    private func report(_ error: SSHError) {
        switch error.code {
        case .badHostKey: report(.wrongHostKey, error.detail)
        case .loginRefused: report(.loginRefused, error.detail)
        default: report(broken, error.detail)
        }
    }

    private func report(_ failure: HostFailure, _ detail: String) {
        switch failure {
        case .wrongHostKey:
            daemon.ask(.hostFailed(failure, detail: detail)) { _ in }
            fail("the host key of \(host) has changed: nothing was sent to it. Ask your administrator")
        // The daemon may know a way: the account may be missing, and can be made.
        case .loginRefused:
            askAdvice(
                failure, detail,
                else:
                    "\(host) refused the login: your account there is missing or locked. Ask your administrator"
            )
        // Or there is another host.
        case .handshake, .connectionLost, .brokenLogin:
            askAdvice(failure, detail, else: "\(host) did not complete the SSH handshake: \(detail)")
        }
    }

    /// - Parameter sentence: why it fails, if the daemon knows no way.
    private func askAdvice(_ failure: HostFailure, _ detail: String, else sentence: String) {
        state = .asking
        transport = nil
        deadline = nil
        daemon.ask(.hostFailed(failure, detail: detail)) { [weak self] answer in
            guard let self else { return }
            switch answer.reply {
            case .preparing(let host): prepare(host)
            case .elsewhere: askAgain()
            case .refused(let reason) where daemon.isAlive: fail(reason)
            default: fail(sentence)
            }
        }
    }

    private func fail(_ sentence: String) {
        state = .failed(sentence)
        // Closed at once: a host whose key is wrong hears nothing more.
        transport = nil
    }

    /// Notes that a connection that stood is gone.
    func noteLoss() {
        daemon.ask(.hostFailed(.connectionLost, detail: "while it was in use")) { _ in }
        fail("the connection to \(host) was lost")
    }

    /// Adds what it waits for; nil when it waits for the daemon only.
    func register(with poller: inout Poller) -> Int? {
        guard let transport else { return nil }
        if let deadline { poller.limit(to: deadline) }
        return poller.add(transport.descriptor, writing: transport.wantsToWrite)
    }

    /// Says good-bye to the host.
    func disconnect() {
        if state == .ready { transport?.disconnect() }
        transport = nil
    }
}

/// The type at the start of a public key's blob.
private func keyType(of blob: [UInt8]) -> String? {
    var reader = WireReader(blob)
    return try? reader.string()
}
