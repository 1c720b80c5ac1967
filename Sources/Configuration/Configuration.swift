package import Support

/// The settings of the daemon, from gatehouse.conf.
package struct Configuration: Equatable, Sendable {
    /// Where the file is unless a flag says otherwise.
    package static let defaultPath = "/etc/gatehouse/gatehouse.conf"

    /// Where clients are listened for; never empty.
    package var listenAddresses = [ListenAddress(host: "0.0.0.0", port: ListenAddress.defaultPort)]
    /// Whether `gatehouse-front` does that, at the sockets that systemd gives it.
    package var hasFrontEnd = false
    /// The database, the CA, the host key and the journals.
    package var stateDirectory = "/var/lib/gatehouse"
    /// The control socket and the pid file.
    package var runtimeDirectory = "/run/gatehouse"
    /// Files of private host keys; never empty.
    package var hostKeys = ["/var/lib/gatehouse/ssh_host_ed25519_key"]
    /// The program of a session; nil: `gatehouse-session` beside the daemon's own executable.
    package var sessionProgram: String?
    /// Whom session processes run as: a user's name, or a number that is both uid and gid.
    package var sessionUser = "gatehouse-session"
    /// Whom `gatehouse-ssm` runs as: a name, or a number for both user and group.
    package var tunnelUser = "gatehouse-tunnel"
    /// How long a client may take to log in.
    package var loginGraceTime = Duration.seconds(30)
    /// Connections that have not logged in, at one time.
    package var maximumStartups = 100
    /// The same, of one client address.
    package var maximumStartupsPerAddress = 20
    /// What a person has to show.
    package var authenticationMethods = AuthenticationMethods.publicKey
    /// Whether a chain may begin with a password instead of a key.
    package var permitsPasswordLogin = false
    /// The PAM stack that looks at passwords.
    package var pamService = "gatehouse"
    /// Where the stack's file lies; nil: where the system has them.
    package var pamServiceDirectory: String?
    /// How long a one-time code holds for further logins with the same key from the same address; zero: for its own login only.
    package var secondFactorGraceTime = Duration.seconds(8 * 3_600)
    /// Attempts to log in on one connection.
    package var maximumAttempts = 6
    /// Connections from one address that end after failed attempts, until the address is blocked; 0: never.
    package var maximumFailuresPerAddress = 10
    /// How long such an address is turned away the first time; twice as long each further time, an hour at the most.
    package var failureBlockTime = Duration.seconds(60)
    /// Where clients may come from.
    package var networks = NetworkRules()
    /// Who says with the PROXY protocol for whom they come, and is believed.
    package var proxies: [Network] = []
    /// Channels on one connection.
    package var maximumChannels = 1_000
    /// Connections at one time.
    package var maximumConnections = 2_000
    /// Environment variables that clients may pass on to hosts.
    package var acceptedEnvironment: [EnvironmentPattern] = ["LANG", "LC_*", "COLORTERM"]
        .compactMap { EnvironmentPattern($0) }
    /// How long a certificate for a host is good for.
    package var certificateValidity = Duration.seconds(300)
    /// How long a host may take to answer.
    package var connectTimeout = Duration.seconds(5)
    /// How long a host may be silent, though it is asked, before its sessions are ended.
    package var hostAliveTimeout = Duration.seconds(45)
    /// How often hosts of pools are asked whether their sshd answers; zero: only those that have failed.
    package var healthCheckInterval = Duration.seconds(15)
    /// How often hosts are asked whether their accounts are as they were left; zero: never.
    package var driftCheckInterval = Duration.seconds(900)
    /// From one look at the instances of the cloud to the next; zero: only when somebody asks.
    package var inventoryRefreshInterval = Duration.seconds(300)
    /// The AWS region whose instances are hosts; nil: AWS's standard chain says.
    package var awsRegion: String?
    /// The profile in AWS's shared files that has the credentials; nil: AWS's standard chain says.
    package var awsProfile: String?
    /// How long an instance's agent may take to fetch a command.
    package var agentTimeout = Duration.seconds(30)
    /// How long an instance that is started may take until its sshd answers.
    package var wakeTimeout = Duration.seconds(300)
    /// Whether the events of files that SFTP and scp move have the hash of what was moved.
    package var wantsFileDigests = false
    /// How long the book keeps events that say nothing of what is there now; zero: for ever.
    package var fileEventRetention = Duration.zero
    /// Whose sessions are recorded.
    package var recordSessions = RecordingScope.required
    /// Whether programs without a terminal are recorded too where `recordSessions` is `all`.
    package var recordsCommands = false
    /// Whether recordings hold what people type.
    package var recordsInput = false
    /// Bytes of one recording, packed.
    package var recordingLimit: UInt64 = 1 << 30
    /// How long recordings are kept; zero: for ever.
    package var recordingRetention = Duration.zero
    /// Bytes that all recordings may take, the oldest going first; 0: what the disk has.
    package var recordingSpace: UInt64 = 0
    /// How often the end of the event log is signed; zero: never.
    package var checkpointInterval = Duration.seconds(3_600)
    /// Where that goes besides the daemon's own log.
    package var checkpointDestinations: [CheckpointDestination] = []
    /// Bytes after which both ends of a connection make new keys.
    package var rekeyLimit: UInt64 = 1 << 30
    /// Where uids and gids are taken from.
    package var uidRange: ClosedRange<UInt32> = 20_000...59_999
    /// A file whose text is shown before authentication; nil: none.
    package var banner: String?
    /// What goes into the log.
    package var logLevel = Log.Level.info

    /// The defaults.
    package init() {}
}

extension Configuration {
    /// The directory and the events: one SQLite file.
    package var databasePath: String { stateDirectory + "/gatehouse.db" }
    /// The book of files: apart from the directory, because it is a thousand times as big.
    package var bookPath: String { stateDirectory + "/book.db" }
    /// The private key that signs user certificates.
    package var userCAPath: String { stateDirectory + "/user_ca" }
    /// The private key that signs checkpoints of the event log.
    package var eventKeyPath: String { stateDirectory + "/event_key" }
    /// Encrypts the secrets of one-time codes.
    package var codeKeyPath: String { stateDirectory + "/totp_key" }
    /// One file per live session.
    package var journalDirectory: String { stateDirectory + "/journals" }
    /// The recordings of sessions.
    package var recordingDirectory: String { stateDirectory + "/recordings" }
    /// Where the command line reaches the daemon.
    package var controlSocketPath: String { runtimeDirectory + "/control.sock" }
    /// Where it reaches `gatehouse-front`.
    package var frontSocketPath: String { runtimeDirectory + "/front.sock" }
    /// The daemon's process id.
    package var pidFilePath: String { runtimeDirectory + "/gatehoused.pid" }

    /// Whether connections from `address` begin with a PROXY header.
    package func isProxy(_ address: String) -> Bool {
        guard !proxies.isEmpty, let address = IPAddress(address) else { return false }
        return proxies.contains { $0.contains(address) }
    }

    /// The host key unless the configuration names one.
    static func defaultHostKey(in stateDirectory: String) -> String {
        stateDirectory + "/ssh_host_ed25519_key"
    }
}

/// Whose sessions are recorded.
package enum RecordingScope: String, CaseIterable, Sendable {
    /// Nobody's; who may come only if recorded does not come.
    case none
    /// Those of people whose grant demands it.
    case required
    /// Everybody's.
    case all
}

/// An address and a port to listen on.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// Where the gateway listens if its configuration does not say.
    package static let defaultPort: UInt16 = 2222

    /// A name or a numeric address; IPv6 without brackets.
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `HOST:PORT`, or `[HOST]:PORT` for IPv6.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
