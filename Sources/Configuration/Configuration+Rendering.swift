import Support

extension Configuration {
    /// All settings, one line each, as a file that reads back as this value.
    package var rendered: String {
        Keyword.allCases.flatMap { lines(for: $0) }.joined(separator: "\n") + "\n"
    }

    /// A file for a new installation: each keyword with its meaning, and the default as a comment.
    package static var template: String {
        let defaults = Configuration()
        var text = """
            # Gatehouse's settings. A line is a keyword and its value; what is not set has the default shown here.
            # People, hosts and grants are not here: they are made with the command gatehouse.

            """
        for keyword in Keyword.allCases {
            text += "\n# \(keyword.summary)\n"
            let lines = defaults.lines(for: keyword)
            text += (lines.isEmpty ? [keyword.example] : lines).map { "#\($0)\n" }.joined()
        }
        return text
    }

    private func lines(for keyword: Keyword) -> [String] {
        values(for: keyword).map { "\(keyword.rawValue) \($0)" }
    }

    private func values(for keyword: Keyword) -> [String] {
        switch keyword {
        case .listenAddress: listenAddresses.map(\.description)
        case .frontEnd: [hasFrontEnd ? "yes" : "no"]
        case .stateDirectory: [LineLexer.quoted(stateDirectory)]
        case .runtimeDirectory: [LineLexer.quoted(runtimeDirectory)]
        case .hostKey: hostKeys.map { LineLexer.quoted($0) }
        case .sessionProgram: sessionProgram.map { [LineLexer.quoted($0)] } ?? []
        case .sessionUser: [sessionUser]
        case .tunnelUser: [tunnelUser]
        case .loginGraceTime: [ValueParser.rendered(loginGraceTime)]
        case .maxStartups: ["\(maximumStartups)"]
        case .maxStartupsPerAddress: ["\(maximumStartupsPerAddress)"]
        case .authenticationMethods: [authenticationMethods.description]
        case .passwordLogin: [permitsPasswordLogin ? "yes" : "no"]
        case .pamService: [pamService]
        case .pamServiceDirectory: [pamServiceDirectory.map { LineLexer.quoted($0) } ?? "none"]
        case .secondFactorGraceTime: [ValueParser.rendered(secondFactorGraceTime)]
        case .maxAuthTries: ["\(maximumAttempts)"]
        case .maxFailuresPerAddress: ["\(maximumFailuresPerAddress)"]
        case .failureBlockTime: [ValueParser.rendered(failureBlockTime)]
        case .allowFrom: ValueParser.rendered(networks.allowed, empty: "any")
        case .denyFrom: ValueParser.rendered(networks.denied)
        case .proxyProtocolFrom: ValueParser.rendered(proxies)
        case .maxChannels: ["\(maximumChannels)"]
        case .maxConnections: ["\(maximumConnections)"]
        case .acceptEnv:
            [acceptedEnvironment.isEmpty ? "none" : acceptedEnvironment.map(\.text).joined(separator: " ")]
        case .certificateValidity: [ValueParser.rendered(certificateValidity)]
        case .connectTimeout: [ValueParser.rendered(connectTimeout)]
        case .hostAliveTimeout: [ValueParser.rendered(hostAliveTimeout)]
        case .healthCheckInterval: [ValueParser.rendered(healthCheckInterval)]
        case .driftCheckInterval: [ValueParser.rendered(driftCheckInterval)]
        case .inventoryRefreshInterval: [ValueParser.rendered(inventoryRefreshInterval)]
        case .awsRegion: [awsRegion ?? "none"]
        case .awsProfile: [awsProfile ?? "none"]
        case .awsAgentTimeout: [ValueParser.rendered(agentTimeout)]
        case .wakeTimeout: [ValueParser.rendered(wakeTimeout)]
        case .fileDigests: [wantsFileDigests ? "yes" : "no"]
        case .fileEventRetention: [ValueParser.rendered(fileEventRetention)]
        case .recordSessions: [recordSessions.rawValue]
        case .recordCommands: [recordsCommands ? "yes" : "no"]
        case .recordInput: [recordsInput ? "yes" : "no"]
        case .recordingLimit: [ValueParser.rendered(size: recordingLimit)]
        case .recordingRetention: [ValueParser.rendered(recordingRetention)]
        case .recordingSpace: [ValueParser.rendered(size: recordingSpace)]
        case .checkpointInterval: [ValueParser.rendered(checkpointInterval)]
        case .checkpointTo:
            [
                checkpointDestinations.isEmpty
                    ? "none" : checkpointDestinations.map(\.description).joined(separator: " ")
            ]
        case .rekeyLimit: [ValueParser.rendered(size: rekeyLimit)]
        case .uidRange: ["\(uidRange.lowerBound)-\(uidRange.upperBound)"]
        case .banner: [banner.map { LineLexer.quoted($0) } ?? "none"]
        case .logLevel: ["\(logLevel)"]
        case .include: []
        }
    }
}

extension Keyword {
    /// What it sets, in one line.
    fileprivate var summary: String {
        switch self {
        case .listenAddress: "Where clients connect: HOST:PORT or [v6]:PORT. May stand more than once."
        case .frontEnd: "Whether gatehouse-front accepts clients, at the sockets of its unit: yes or no."
        case .stateDirectory: "The database, the user CA, the host key and the journals of live sessions."
        case .runtimeDirectory: "The control socket and the pid file."
        case .hostKey: "A private host key. May stand more than once."
        case .sessionProgram: "The program of a session; without it, gatehouse-session beside gatehoused."
        case .sessionUser: "Whom sessions run as: a name, or a number for both user and group."
        case .tunnelUser: "Whom tunnels through Session Manager run as, likewise; not the same."
        case .loginGraceTime: "How long a client may take to log in."
        case .maxStartups: "Connections that have not logged in, at one time."
        case .maxStartupsPerAddress: "The same, from one address."
        case .authenticationMethods:
            "What a login needs: publickey, with ,pam for a password and ,totp for a one-time code besides."
        case .passwordLogin: "Whether AuthenticationMethods may have a chain without a key: pam or pam,totp."
        case .pamService: "The PAM stack that looks at passwords."
        case .pamServiceDirectory: "Where the stack's file is; none: where the system has them."
        case .secondFactorGraceTime:
            "How long a code holds for the same user, key and address; 0: for one login."
        case .maxAuthTries: "Attempts to log in on one connection."
        case .maxFailuresPerAddress: "Failed connections from one address until it is blocked; 0: never."
        case .failureBlockTime: "How long it is blocked the first time; twice as long each further time."
        case .allowFrom: "Networks that clients may come from, such as 10.0.0.0/8, or any."
        case .denyFrom: "Networks that no client may come from, whatever AllowFrom says."
        case .proxyProtocolFrom: "Proxies that say with the PROXY protocol for whom they come."
        case .maxChannels: "Channels on one connection."
        case .maxConnections: "Connections at one time."
        case .acceptEnv: "Environment variables that clients may pass on, with * and ?; none for none."
        case .certificateValidity: "How long the certificate for one login to a host is good for."
        case .connectTimeout: "How long a host may take to answer."
        case .hostAliveTimeout: "How long a host may be silent before its sessions are ended."
        case .healthCheckInterval: "How often hosts of pools are asked for a sign; 0: only when they failed."
        case .driftCheckInterval: "How often hosts are asked whether their accounts are as wanted; 0: never."
        case .inventoryRefreshInterval: "How often AWS is asked about the hosts that are instances; 0: never."
        case .awsRegion: "The region whose EC2 instances are hosts; none: as AWS's own tools find it."
        case .awsProfile: "The profile in AWS's shared files with the credentials; none: likewise."
        case .awsAgentTimeout: "How long the SSM agent of an instance may take to fetch a command."
        case .wakeTimeout: "How long an instance that is started may take until its sshd answers."
        case .fileDigests: "Whether events of SFTP and scp have each file's SHA-256: yes or no."
        case .fileEventRetention: "How long events of files are kept, such as 400d; 0: for ever."
        case .recordSessions: "Whose sessions are recorded: required (where a grant demands it), all or none."
        case .recordCommands: "With all: whether programs without a terminal are recorded too: yes or no."
        case .recordInput: "Whether recordings hold what people type, which includes passwords: yes or no."
        case .recordingLimit: "Bytes that one recording may have, packed."
        case .recordingRetention: "How long recordings are kept, such as 90d; 0: for ever."
        case .recordingSpace:
            "Bytes that all recordings may take; the oldest of who has most go; 0: no bound."
        case .checkpointInterval: "How often the end of the event log is signed; 0: never."
        case .checkpointTo:
            "Where that goes besides the daemon's own log: syslog, s3://BUCKET/PREFIX, or none."
        case .rekeyLimit: "How much passes before a connection makes new keys."
        case .uidRange: "Where uids and gids are taken from. Never make it smaller."
        case .banner: "A file whose text is shown before authentication, or none."
        case .logLevel: "What is logged: critical, error, warning, notice, info or debug."
        case .include: "Reads another file here, relative to the folder of this one."
        }
    }

    /// A line for keywords that have no default.
    fileprivate var example: String {
        switch self {
        case .sessionProgram: "SessionProgram /usr/libexec/gatehouse/gatehouse-session"
        case .include: "Include site.conf"
        default: "\(rawValue) none"
        }
    }
}
