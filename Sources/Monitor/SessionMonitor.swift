import Audit
import Authentication
import Authorization
import Configuration
import Control
import Directory
import Front
import Glibc
import SQLite
import Support

/// The daemon's side of one connection, on a thread of its own.
///
/// The session's process asks, this answers; what is not permitted ends that session and no other.
final class SessionMonitor {
    /// Why a session is broken off by the daemon.
    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    /// Who logged in, and what became of it.
    struct Login {
        let user: User
        let target: String?
        /// With which it was opened, where it was not a key of the directory.
        let certificate: AcceptedCertificate?
        /// May do nothing but enrol for one-time codes.
        var isEnrolling = false
        /// The host it leads to, picked at the login and kept.
        var host: String?
        /// What is recorded in this session, as its process was told.
        var recording = RecordingDemand.none
        /// Why it is not another host, to be told once.
        var remark: String?
        /// What the user was given there; never more than that in this session, whatever is granted later.
        var rights: Rights?
        /// What they have shown besides a key, in this login or so lately that it counts for it.
        let shown: FurtherFactors
        /// What of it the grants require by which they are there.
        var required: FurtherFactors = []

        /// What they were given there, to be held against what is granted later.
        var given: GivenRights? {
            rights.map { rights in
                var given = rights.given
                given.shown = shown
                return given
            }
        }
    }

    /// More than the session's own LoginGraceTime: it ends by itself, with a word to the client.
    static let graceMargin = Duration.seconds(5)
    private static let answerPatience = Duration.seconds(10)

    let gateway: Gateway
    let session: SessionID
    let peer: TCPAddress
    /// Where the client is, as grants and users are held to it.
    let origin: Origin
    /// The same as text, of which nothing but an address is in a network.
    let clientAddress: String
    let log: Log
    let settings: GatewaySettings
    let child: SessionChild

    let control: MessageSocket
    private let journal: JournalFile
    let started = MonotonicTime.now

    var state = SessionState.new
    var attempts: AttemptCounter
    /// What was shown so far.
    var progress = AuthenticationProgress()
    /// What the questions are about that were asked last.
    var conversation: Conversation?
    /// Wrong codes on this connection.
    var wrongAnswers = 0
    var login: Login?
    /// The host whose watcher logged in, with its key, where it was not a user.
    var watcher: (host: String, keyBlob: [UInt8])?
    /// How many commands of the gateway run for it.
    let commands = Locked(0)
    /// What was done for the user's accounts in this session.
    var preparations = Preparations()
    /// Whether it has fetched the watcher's program.
    var hasSentProgram = false
    /// Recordings that were begun.
    var recordings = 0
    /// Instances that this session waits for.
    var waking = Waking()
    /// Connections to its host that it was given and has not lost.
    var connections = 0
    /// Hosts that were tried for it since it last had one.
    var misses = Misses()
    /// The same for its jumps, by pool, while they go on.
    var jumpMisses: [String: JumpMisses] = [:]
    private var reader: JournalReader
    /// Whether the disk has room for what this session will have to note.
    private let hasRoom: Bool

    /// Starts the session's process, which owns the client's socket from here on.
    ///
    /// - Throws: `SystemError` when it cannot be started.
    init(client: Descriptor, from peer: TCPAddress, gateway: Gateway) throws {
        self.gateway = gateway
        self.peer = peer
        settings = gateway.settings
        // A proxy that does not say for whom it comes says nothing of where that is.
        let isKnown = !settings.configuration.isProxy(peer.host)
        clientAddress = isKnown ? peer.host : "proxy \(peer.host)"
        origin = Origin(client: clientAddress)
        session = SessionID()
        log = gateway.log(for: session)
        attempts = AttemptCounter(limit: settings.configuration.maximumAttempts)

        let (journal, writer, hasRoom) = try JournalFile.create(for: session, in: gateway.journals)
        self.hasRoom = hasRoom
        do {
            let (control, childControl) = try MessageSocket.pair()
            let nothing = try Descriptor.open("/dev/null", O_RDWR)
            let errors = Descriptor(adopting: try SystemError.check(fcntl(2, F_DUPFD_CLOEXEC, 3), "dup"))
            child = try SessionChild.start(
                gateway.program,
                descriptors: [nothing, nothing, errors, childControl.descriptor, client, writer])
            self.control = control
        } catch {
            journal.remove()
            throw error
        }
        self.journal = journal
        reader = JournalReader(journal)
        log.info("connection", ["peer.address": peer.host, "process.id": String(child.pid)])
    }

    /// Answers until the session is over, then closes its book.
    func run() {
        var brokenOff: String?
        do {
            defer { conversation = nil }
            try converse()
        } catch {
            brokenOff = "\(error)"
            log.warning("session broken off", ["reason": "\(error)", "peer.address": peer.host])
            try? child.handle.send(SIGKILL)
        }
        let status = child.finish()
        gateway.limits.withLock { $0.close(from: peer.host, authenticated: state.isAuthenticated) }
        if !state.isAuthenticated, attempts.failures > 0 { punish() }
        conclude(status: status, brokenOff: brokenOff)
    }

    /// Counts a connection that failed to log in against its address.
    private func punish() {
        guard let block = gateway.penalties.withLock({ $0.noteFailure(from: peer.host, at: .now) }) else {
            return
        }
        let seconds = String(block.milliseconds / 1_000)
        log.warning("address blocked", ["peer.address": peer.host, "seconds": seconds])
        let reason = "too many failed logins: the address is blocked for \(seconds) seconds"
        do { try note(.refused, ["what": "connections", "reason": reason]) } catch {
            log.error("a block could not be noted", ["error": "\(error)"])
        }
    }

    private func converse() throws {
        let deadline = started + settings.configuration.loginGraceTime + Self.graceMargin
        while true {
            if !state.isAuthenticated, !control.descriptor.waits(for: Int16(POLLIN), until: deadline) {
                throw Violation(description: "nobody logged in in time")
            }
            // A process that died with an answer unread shows as an error: its end, all the same.
            guard var received = try? control.receive() else { return }
            let kind = received.message.first ?? 0
            // There may be a password in either.
            defer { received.message.clear() }
            var request = try SessionRequest(decoding: received.message)
            defer { request.clearSecrets() }
            guard received.descriptors.isEmpty, state.permits(request),
                state.isAuthenticated || !attempts.isExhausted
            else {
                throw Violation(description: "request \(kind) is not permitted now")
            }
            let (reply, gifts) = try answerOrRefuse(request)
            let patience = MonotonicTime.now + Self.answerPatience
            guard control.descriptor.waits(for: Int16(POLLOUT), until: patience) else {
                throw Violation(description: "it does not read its answers")
            }
            guard (try? control.send(reply.encoded, with: gifts)) != nil else { return }
        }
    }

    /// What cannot be noted does not begin: nobody gets in, no jump and no command; what runs goes on, and is noted later.
    private func answerOrRefuse(_ request: SessionRequest) throws -> (SessionReply, [Descriptor]) {
        let reason =
            "The gateway cannot write its event log, so nothing new begins here. Tell your administrator."
        do {
            if request.mayLogIn, !hasRoom {
                log.error("nobody can log in: the disk is full", ["path": gateway.journals])
                return (.disconnect(reason: reason), [])
            }
            return try answer(to: request)
        } catch let error as SQLiteError {
            log.error("an event could not be noted", ["error": error.detail])
            switch request {
            case .probeKey, .verifiedKey, .interactive, .answers, .password, .refusedMethod:
                return (.disconnect(reason: reason), [])
            case .connect, .hostReady, .jump, .command, .record: return (.refused(reason: reason), [])
            case .journalGrew, .hostFailed: return (.noted, [])
            case .hello, .deliver, .watcherProgram: throw error
            }
        }
    }

    private func answer(to request: SessionRequest) throws -> (SessionReply, [Descriptor]) {
        switch request {
        case .hello:
            state = .authenticating
            return (.settings(settings.connection(for: session)), [])
        case .probeKey(let login, let key):
            return (try probe(login: login, key: key), [])
        case .verifiedKey(let login, let key, let clientVersion):
            return (try showKey(login: login, key: key, clientVersion: clientVersion), [])
        case .interactive(let login, let clientVersion):
            return (try question(login: login, clientVersion: clientVersion), [])
        case .answers(let answers):
            return (try take(answers: answers), [])
        case .password(let login, let password, let clientVersion):
            return (try show(password: password, login: login, clientVersion: clientVersion), [])
        case .refusedMethod(let login, let method):
            turnFromQuestions()
            return (try reject(Rejection(login: login, key: nil, reason: "\(method) is not offered")), [])
        case .connect(let publicKey):
            return try connect(publicKey: publicKey)
        case .hostReady:
            try noteHostReady()
            return (.noted, [])
        case .hostFailed(let failure, let detail):
            return (try noteHostFailure(failure, detail: detail), [])
        case .jump(let host, let port):
            return try jump(to: host, port: port)
        case .command:
            return try runCommand()
        case .deliver:
            return try deliver()
        case .watcherProgram:
            return try sendWatcherProgram()
        case .record(let request):
            return try record(request)
        case .journalGrew:
            try ingestJournal()
            return (.noted, [])
        }
    }
}

extension SessionRequest {
    /// Whether a login may come of it.
    fileprivate var mayLogIn: Bool {
        switch self {
        case .verifiedKey, .interactive, .answers, .password: true
        default: false
        }
    }
}

// MARK: The book

extension SessionMonitor {
    /// Notes an event of this session.
    ///
    /// - Throws: when it cannot be written; then what it says must not happen.
    func note(_ kind: EventKind, host: String? = nil, _ detail: [String: String] = [:]) throws {
        try gateway.events.append(event(kind, host: host, detail))
    }

    func event(_ kind: EventKind, host: String? = nil, _ detail: [String: String] = [:]) -> Event {
        Event(
            kind, session: session.description, user: login?.user.name, host: host ?? login?.host,
            address: peer.host, detail: detail)
    }

    func ingestJournal() throws {
        guard let login else { return }
        for host in try reader.ingest(into: gateway.events, host: login.host) {
            gateway.sessions.noteJumpEnd(to: host, of: session)
        }
    }

    /// Writes how the session ended; what cannot be written now stays in the journal for the daemon's next start.
    private func conclude(status: Int32, brokenOff: String?) {
        let entry = gateway.sessions.remove(session)
        guard let login else {
            journal.remove()
            log.info("connection closed", ["peer.address": peer.host, "status": String(status)])
            return
        }
        do {
            var damage: String?
            do { try ingestJournal() } catch let error as WireError {
                damage = "its journal is damaged: \(error)"
            }
            let reason =
                brokenOff ?? entry?.endReason ?? damage ?? reader.endReason
                ?? SessionEnding.unexpected(status: status)
            try SessionEnding.write(
                reason, of: session, user: login.user.name, host: login.host, address: peer.host,
                into: gateway.events)
            journal.remove()
            log.info("session ended", ["user.name": login.user.name, "reason": reason])
        } catch {
            log.error("the end of a session could not be noted", ["error": "\(error)"])
        }
    }
}
