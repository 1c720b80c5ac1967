package import Authorization
internal import Support

/// What a session process asks of the daemon, one at a time; each is answered by one `SessionReply`.
///
/// One message on a `MessageSocket`: a type byte, then fields as in RFC 4251 section 5. Which request is allowed when is decided
/// by the daemon (`Monitor`); anything else ends the connection.
package enum SessionRequest: Equatable, Sendable {
    /// First of all: asks for the settings of this connection.
    case hello

    /// May this key log in as this user? The client has proved nothing yet.
    case probeKey(login: String, key: [UInt8])

    /// The client has signed with this key; the session has verified the signature.
    case verifiedKey(login: String, key: [UInt8], clientVersion: String)

    /// The client wants to be asked questions (RFC 4256).
    case interactive(login: String, clientVersion: String)

    /// What the client answers to the questions of the last reply, bytes as they came.
    case answers([[UInt8]])

    /// A password, bytes as they came.
    case password(login: String, password: [UInt8], clientVersion: String)

    /// An attempt by a method that is not offered.
    case refusedMethod(login: String, method: String)

    /// Connect to the host the login name chose.
    ///
    /// - publicKey: the blob of the fresh key that the certificate is to be made for.
    case connect(publicKey: [UInt8])

    /// The connection that `connect` gave could not be used: the pinned key did not match, the certificate was refused, ….
    case hostFailed(HostFailure, detail: String)

    /// The upstream login stands.
    case hostReady

    /// A jump: a direct-tcpip request that may name a host of the directory.
    case jump(host: String, port: UInt32)

    /// Run a command of the gateway itself on the target `gate`; which one is said on the socket that comes with the answer.
    case command

    /// Deliver to the book what a host's watcher has collected.
    case deliver

    /// Fetch the program of the watcher, to a host whose watcher has logged in.
    case watcherProgram

    /// A program is about to start whose recording the grant demands.
    case record(RecordingRequest)

    /// The journal has new records.
    case journalGrew
}

extension SessionRequest {
    /// Overwrites passwords and codes in it, as far as no other copy shares their storage.
    package mutating func clearSecrets() {
        var secrets: [[UInt8]]
        switch self {
        case .answers(let answers): secrets = answers
        case .password(_, let password, _): secrets = [password]
        default: return
        }
        self = .answers([])
        for index in secrets.indices { secrets[index].clear() }
    }
}

/// Why a connected host could not be used.
package enum HostFailure: UInt8, Sendable, CaseIterable {
    case wrongHostKey = 1
    /// It broke off before keys were exchanged, or took too long.
    case handshake = 2
    case loginRefused = 3
    /// After the login.
    case connectionLost = 4
    /// It broke off between the two, as sshd does for an account that the host's PAM does not let in.
    case brokenLogin = 5
}

/// The daemon's answer to a `SessionRequest`.
package enum SessionReply: Equatable, Sendable {
    /// To `hello`.
    case settings(ConnectionSettings)

    /// To `probeKey`: the key would do.
    case keyAcceptable

    /// To `verifiedKey`, `interactive`, `answers` and `password`: logged in; what the user may do in this session.
    case accepted(SessionGrant)

    /// To `verifiedKey`, `interactive`, `answers` and `password`: that was right, and something else is asked for besides.
    ///
    /// - methods: by which the client can go on, as RFC 4252 names them.
    case partiallyAccepted(methods: [String])

    /// To `interactive` and `answers`: questions for the person; `answers` must come next, or another method.
    case questions(Questions)

    /// To `probeKey`, `verifiedKey`, `interactive`, `answers`, `password`, `refusedMethod`: no; the client may try again.
    case rejected

    /// To any of these: no, and the connection ends with this text. To `jump`: the same, if nothing else goes on in it.
    case disconnect(reason: String)

    /// To `connect`; one connected socket travels with it.
    case host(HostConnection)

    /// To `connect` and to `hostFailed`: the user's account on this host has to be made first, which takes a moment. Say so to
    /// the person and ask `connect` again; the daemon makes the account before it answers that.
    case preparing(host: String)

    /// To `hostFailed`: ask `connect` again, which leads to another host.
    case elsewhere

    /// To `connect` and to `jump`: the host's instance is being started. Show it to the person and ask again; the daemon takes
    /// a second or so to answer that.
    ///
    /// - state: what it waits for, such as `pending`.
    /// - seconds: since when it is waited for.
    case waking(host: String, state: String, seconds: UInt32)

    /// To `jump`: joined; one connected socket travels with it.
    ///
    /// - place: host and port of the directory, and what was asked for where that differs; for the record of its end.
    case joined(place: String)

    /// To `jump`: not a host of the directory, ask the target host to dial it.
    case notAJump

    /// To `command`; one message socket travels with it that speaks `CommandMessage`.
    case commandStarted

    /// To `deliver` and `watcherProgram`; one stream socket travels with it, which speaks `DeliveryMessage`, or gives the program.
    case deliveryStarted

    /// To `record`: a recorder waits; one stream socket travels with it that takes `RecordingMessage`.
    case recording

    /// To `connect`, `jump`, `command`, `deliver`, `watcherProgram`, `record` or `hostFailed`: no; a sentence for the user.
    case refused(reason: String)

    /// To `hostFailed`, `hostReady` and `journalGrew`.
    case noted
}

/// What a session needs to know before anybody has logged in.
package struct ConnectionSettings: Equatable, Sendable {
    /// The session's name, a ULID.
    package var session: String
    /// The gateway's private host keys in OpenSSH format.
    package var hostKeys: [String]
    /// Seconds until a client must have logged in.
    package var loginGraceSeconds: UInt32
    /// Authentication attempts on one connection.
    package var maximumAttempts: UInt32
    /// Channels on one connection.
    package var maximumChannels: UInt32
    /// Bytes after which both ends make new keys.
    package var rekeyBytes: UInt64
    /// Seconds a host may take for its handshake.
    package var connectTimeoutSeconds: UInt32
    /// By which a client can begin, as RFC 4252 names them.
    package var methods: [String]
    /// Text shown before authentication; empty: none.
    package var banner: String
    /// `Log.Level` of the session's log lines.
    package var logLevel: UInt8

    package init(
        session: String, hostKeys: [String], loginGraceSeconds: UInt32, maximumAttempts: UInt32,
        maximumChannels: UInt32, rekeyBytes: UInt64, connectTimeoutSeconds: UInt32, banner: String,
        logLevel: UInt8, methods: [String] = ["publickey"]
    ) {
        self.session = session
        self.hostKeys = hostKeys
        self.loginGraceSeconds = loginGraceSeconds
        self.maximumAttempts = maximumAttempts
        self.maximumChannels = maximumChannels
        self.rekeyBytes = rekeyBytes
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.banner = banner
        self.logLevel = logLevel
        self.methods = methods
    }
}

/// What a logged-in user may do in one session; made once, after the last factor, and never changed.
package struct SessionGrant: Equatable, Sendable {
    /// Where the session leads.
    package enum Target: Equatable, Sendable {
        /// The gateway's own commands.
        case gate
        /// A host that `connect` will give.
        case host
        /// The book, for the watcher of a host: nothing but deliveries.
        case book
        /// Nowhere: each channel is refused with this sentence.
        case none(reason: String)
    }

    package var user: String
    package var target: Target
    /// What they may do where it leads to a host.
    package var permissions: Permissions
    /// Names of environment variables that are passed on, with `*` and `?`.
    package var acceptedEnvironment: [String]
    /// TCP ports on which hosts of the directory run sshd: a forward to one of them is refused unless it is a jump.
    package var guardedPorts: [UInt32]
    /// What of the session is recorded.
    package var recording: RecordingDemand
    /// Whether the files that SFTP and scp move are hashed.
    package var wantsFileDigests: Bool

    package init(
        user: String, target: Target, permissions: Permissions, acceptedEnvironment: [String],
        guardedPorts: [UInt32], recording: RecordingDemand = .none, wantsFileDigests: Bool = false
    ) {
        self.user = user
        self.target = target
        self.permissions = permissions
        self.acceptedEnvironment = acceptedEnvironment
        self.guardedPorts = guardedPorts
        self.recording = recording
        self.wantsFileDigests = wantsFileDigests
    }

    /// What decides about each act in the session.
    package var rule: SessionRule {
        let place: SessionRule.Place =
            switch target {
            case .gate: .gate
            case .host: .host
            case .book: .book
            case .none(let reason): .nowhere(reason: reason)
            }
        return SessionRule(
            place, permissions, acceptedEnvironment: acceptedEnvironment, guardedPorts: guardedPorts)
    }
}

/// What is needed to log in to a host over the socket that came along.
package struct HostConnection: Equatable, Sendable {
    /// The host's name in the directory.
    package var host: String
    /// The Linux user to become.
    package var user: String
    /// Blobs of the host keys pinned in the directory; any one of them will do.
    package var hostKeys: [[UInt8]]
    /// The user certificate's blob.
    package var certificate: [UInt8]
    /// What the person is to be told about where they are, without a full stop; empty: nothing.
    package var remark: String

    package init(
        host: String, user: String, hostKeys: [[UInt8]], certificate: [UInt8], remark: String = ""
    ) {
        self.host = host
        self.user = user
        self.hostKeys = hostKeys
        self.certificate = certificate
        self.remark = remark
    }
}
