import Configuration
import Support
import TestSupport
import Testing

@Suite("gatehouse.conf")
struct ConfigurationTests {
    private func parse(_ text: String) throws -> Configuration {
        try Configuration.parse(Array(text.utf8), path: "g.conf")
    }

    /// The problems of `text`, each as it is printed.
    private func problems(_ text: String) -> [String] {
        do {
            _ = try Configuration.parse(Array(text.utf8), path: "g.conf")
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("an empty file is the defaults", arguments: ["", "\n\n", "# nothing\n  \t# at all", "\r\n"])
    func defaults(_ text: String) throws {
        let configuration = try parse(text)
        #expect(configuration == Configuration())
        #expect(configuration.listenAddresses == [ListenAddress(host: "0.0.0.0", port: 2222)])
        #expect(configuration.hostKeys == ["/var/lib/gatehouse/ssh_host_ed25519_key"])
        #expect(configuration.acceptedEnvironment.map(\.text) == ["LANG", "LC_*", "COLORTERM"])
        #expect(configuration.databasePath == "/var/lib/gatehouse/gatehouse.db")
        #expect(configuration.userCAPath == "/var/lib/gatehouse/user_ca")
        #expect(configuration.journalDirectory == "/var/lib/gatehouse/journals")
        #expect(configuration.controlSocketPath == "/run/gatehouse/control.sock")
        #expect(configuration.pidFilePath == "/run/gatehouse/gatehoused.pid")
    }

    @Test("every keyword sets its value")
    func setsAll() throws {
        let configuration = try parse(
            """
            ListenAddress 127.0.0.1:2200
            listenaddress=[::1]:2201
            ListenAddress gate.example.org
            StateDirectory "/var/lib/gate house/"
            RuntimeDirectory /run/g
            HostKey /etc/a_key
            HostKey "/etc/b \\"key\\""
            SessionProgram /opt/session
            SessionUser 63022
            TunnelUser 63023
            LoginGraceTime 1m
            MaxStartups 7
            MaxStartupsPerAddress = 8
            MaxAuthTries=9
            MaxFailuresPerAddress 0
            FailureBlockTime 2m
            MaxChannels 10
            MaxConnections 11
            AcceptEnv GW_* LANG
            AllowFrom 10.0.0.0/8 2001:db8::/32
            AllowFrom 192.0.2.7
            DenyFrom 10.66.0.0/16
            ProxyProtocolFrom 10.0.0.5
            ACCEPTENV TERM_?
            CertificateValidity 2h
            ConnectTimeout 15
            AWSRegion eu-central-1
            AWSProfile gate_1
            AWSAgentTimeout 1m
            WakeTimeout 10m
            FileDigests YES
            FileEventRetention 400d
            RecordSessions ALL
            RecordCommands yes
            RecordInput Yes
            RecordingLimit 64M
            RecordingRetention 90d
            RecordingSpace 50G
            CheckpointInterval 10m
            CheckpointTo syslog s3://audit.example/gate/way syslog
            HostAliveTimeout 1m
            HealthCheckInterval 30s
            RekeyLimit 8M
            UidRange 30000-30999
            Banner /etc/issue.net   # shown first
            LogLevel DEBUG
            """)
        var wanted = Configuration()
        wanted.listenAddresses = [
            ListenAddress(host: "127.0.0.1", port: 2200), ListenAddress(host: "::1", port: 2201),
            ListenAddress(host: "gate.example.org", port: 2222),
        ]
        wanted.stateDirectory = "/var/lib/gate house"
        wanted.runtimeDirectory = "/run/g"
        wanted.hostKeys = ["/etc/a_key", "/etc/b \"key\""]
        wanted.sessionProgram = "/opt/session"
        wanted.sessionUser = "63022"
        wanted.tunnelUser = "63023"
        wanted.loginGraceTime = .seconds(60)
        wanted.maximumStartups = 7
        wanted.networks = NetworkRules(
            allowed: ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"].compactMap { Network($0) },
            denied: [Network("10.66.0.0/16")].compactMap(\.self))
        wanted.proxies = [Network("10.0.0.5")].compactMap(\.self)
        wanted.maximumStartupsPerAddress = 8
        wanted.maximumAttempts = 9
        wanted.maximumFailuresPerAddress = 0
        wanted.failureBlockTime = .seconds(120)
        wanted.maximumChannels = 10
        wanted.maximumConnections = 11
        wanted.acceptedEnvironment = ["GW_*", "LANG", "TERM_?"].compactMap { EnvironmentPattern($0) }
        wanted.certificateValidity = .seconds(7_200)
        wanted.connectTimeout = .seconds(15)
        wanted.awsRegion = "eu-central-1"
        wanted.awsProfile = "gate_1"
        wanted.agentTimeout = .seconds(60)
        wanted.wakeTimeout = .seconds(600)
        wanted.wantsFileDigests = true
        wanted.fileEventRetention = .seconds(400 * 86_400)
        wanted.recordSessions = .all
        wanted.recordsCommands = true
        wanted.recordsInput = true
        wanted.recordingLimit = 64 << 20
        wanted.recordingRetention = .seconds(90 * 86_400)
        wanted.recordingSpace = 50 << 30
        wanted.checkpointInterval = .seconds(600)
        wanted.checkpointDestinations = [.syslog, .s3(bucket: "audit.example", prefix: "gate/way/")]
        wanted.hostAliveTimeout = .seconds(60)
        wanted.healthCheckInterval = .seconds(30)
        wanted.rekeyLimit = 8 << 20
        wanted.uidRange = 30_000...30_999
        wanted.banner = "/etc/issue.net"
        wanted.logLevel = .debug
        #expect(configuration == wanted)
        #expect(try parse(configuration.rendered) == configuration)
    }

    @Test("the host key is in the state directory unless one is named")
    func hostKeyFollows() throws {
        let configuration = try parse("StateDirectory /srv/gate")
        #expect(configuration.hostKeys == ["/srv/gate/ssh_host_ed25519_key"])
        #expect(try parse(configuration.rendered) == configuration)
    }

    @Test("'none' empties the list of variables and the banner")
    func none() throws {
        let configuration = try parse("AcceptEnv none\nBanner NONE")
        #expect(configuration.acceptedEnvironment.isEmpty)
        #expect(configuration.banner == nil)
        #expect(try parse(configuration.rendered) == configuration)
    }

    @Test("the template is the defaults, and stays so when its comments are taken away")
    func template() throws {
        #expect(try parse(Configuration.template) == Configuration())
        let lines = Configuration.template.split(separator: "\n")
            .filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") && !$0.hasPrefix("#Include") }
            .map { $0.dropFirst() }
        var configuration = try parse(lines.joined(separator: "\n"))
        #expect(configuration.sessionProgram != nil)
        configuration.sessionProgram = nil
        #expect(configuration == Configuration())
        #expect(lines.count == 49)
    }

    @Test("all mistakes are reported, each with its file and line")
    func collects() {
        #expect(
            problems("Bogus 1\n\nMaxStartups none\nLogLevel info\nLogLevel debug\n") == [
                "g.conf line 1: unknown keyword 'Bogus'",
                "g.conf line 3: MaxStartups: 'none' is not a number from 1 to 100000",
                "g.conf line 5: LogLevel is set twice, first in line 4",
            ])
    }

    @Test(
        "a near miss names the keyword that was meant",
        arguments: [
            ("ListenAdress", "ListenAddress"), ("maxstartup", "MaxStartups"), ("HotsKey", "HostKey"),
            ("AcceptEnvironment", nil), ("Banners", "Banner"), ("LogLevle", "LogLevel"), ("X", nil),
        ])
    func suggests(_ typed: String, _ meant: String?) {
        let suggestion = meant.map { "; did you mean \($0)?" } ?? ""
        #expect(problems("\(typed) x") == ["g.conf line 1: unknown keyword '\(typed)'\(suggestion)"])
    }

    @Test("keywords of sshd that are not here are explained")
    func explains() {
        #expect(problems("Port 22").first?.contains("ListenAddress") == true)
        #expect(problems("Ciphers aes256-ctr").first?.contains("not configurable") == true)
    }

    @Test(
        "values that make no sense are refused",
        arguments: [
            "ListenAddress", "ListenAddress :2222", "ListenAddress ::1", "ListenAddress [::1",
            "ListenAddress []:1",
            "ListenAddress a:0", "ListenAddress a:65536", "ListenAddress a:b", "ListenAddress a b",
            "ListenAddress [::1]2222", "ListenAddress a/b:22", "ListenAddress -a:22",
            "ListenAddress a:1\nListenAddress a:1", "StateDirectory var", "StateDirectory /",
            "StateDirectory \"\"",
            "StateDirectory /a b", "RuntimeDirectory /\(String(repeating: "r", count: 94))", "HostKey key",
            "HostKey /a\nHostKey /a", "SessionUser root", "SessionUser 0", "SessionUser 4294967295",
            "SessionUser -x", "SessionUser A", "SessionUser 1x", "LoginGraceTime 0", "LoginGraceTime 11m",
            "LoginGraceTime -1", "LoginGraceTime 1w", "LoginGraceTime 1.5m",
            "LoginGraceTime 99999999999999999999",
            "LoginGraceTime 999999999999999999d", "MaxStartups 0", "MaxStartups 100001", "MaxStartups +1",
            "MaxStartups 0x10", "MaxStartups ١", "MaxAuthTries 101", "MaxChannels 0", "MaxConnections 0",
            "CertificateValidity 9", "CertificateValidity 2d", "ConnectTimeout 0", "RekeyLimit 1K",
            "RekeyLimit 65G",
            "RekeyLimit 1T", "RekeyLimit none", "UidRange 20000", "UidRange 2-1", "UidRange 0-100",
            "UidRange 2000-1999", "UidRange 20000-65534", "UidRange 20000-99999999999", "UidRange a-b",
            "AllowFrom none", "AllowFrom", "AllowFrom any 10.0.0.0/8", "AllowFrom 10.0.0.1/8", "DenyFrom any",
            "DenyFrom example.org", "ProxyProtocolFrom any", "ProxyProtocolFrom 10.0.0.0/33",
            "ProxyProtocolFrom 0.0.0.0/0", "ProxyProtocolFrom 10.0.0.5 ::/0",
            "UidRange 1-2-3", "UidRange -", "Banner issue", "LogLevel loud", "AcceptEnv", "AcceptEnv A-B",
            "AcceptEnv LD_PRELOAD", "AcceptEnv LD_*", "AcceptEnv PATH", "AcceptEnv LANG=C", "Include",
            "Include \"\"",
            "AWSRegion a b", "AWSRegion eu/central", "AWSProfile \"\"", "AWSProfile ü", "AWSAgentTimeout 0",
            "CheckpointInterval 8d", "CheckpointTo s3://", "CheckpointTo s3://ab", "CheckpointTo s3://Bucket",
            "CheckpointTo s3://a_bucket/x", "CheckpointTo s3://bucket//x", "CheckpointTo s3://bucket/a/../b",
            "CheckpointTo s3://bucket/a?b", "CheckpointTo syslog none", "CheckpointTo http://bucket",
            "WakeTimeout 2h", "HostAliveTimeout 2s", "HealthCheckInterval 2d",
            "\"LogLevel\" info", "LogLevel \"info", "= info", "LogLevel == info",
        ])
    func refuses(_ text: String) {
        #expect(problems(text).count == 1)
    }

    @Test("bytes that are no text, and control characters, are refused with their line")
    func refusesBytes() {
        for line in [[0xFF, 0xFE], Array("LogLevel in\u{0}fo".utf8), Array("LogLevel info\r info".utf8)] {
            let error = #expect(throws: ConfigurationError.self) {
                try Configuration.parse(Array("\n".utf8) + line, path: "g.conf")
            }
            #expect(error?.problems.map(\.line) == [2])
        }
    }

    @Test("what a message repeats is cut and has no control characters")
    func shortens() {
        let text = problems(String(repeating: "k\u{202E}", count: 5_000) + " 1").first ?? ""
        #expect(text.utf8.count < 600)
        #expect(!text.unicodeScalars.contains("\u{202E}"))
    }

    @Test("values survive quoting, whatever is in them")
    func quotes() throws {
        for path in ["/a b", "/#x", "/a\"b", "/a\\b", "/a\\\"b c\\", "/=", "/é ü", "/a\tb", "/'"] {
            var configuration = Configuration()
            configuration.stateDirectory = path
            configuration.hostKeys = [path, path + "2"]
            configuration.sessionProgram = path
            configuration.banner = path
            #expect(try parse(configuration.rendered) == configuration)
        }
    }

    @Test("random bytes and random lines give a value or errors, and never crash")
    func total() throws {
        var generator = SystemRandomNumberGenerator()
        let words = Array(Configuration.template.utf8).split { $0 == 0x20 || $0 == 0x0A }
        let separators: [[UInt8]] = [[0x20], [0x0A], [0x3D], [0x22], [0x09], [0x5C], [0x5B], [0x3A], [0xC3]]
        for round in 0..<3_000 {
            var bytes: [UInt8] = []
            if round.isMultiple(of: 2) {
                for _ in 0..<Int.random(in: 0...200, using: &generator) {
                    bytes.append(.random(in: 0...255, using: &generator))
                }
            } else {
                for _ in 0..<Int.random(in: 0...40, using: &generator) {
                    bytes += words.randomElement(using: &generator) ?? []
                    bytes += separators.randomElement(using: &generator) ?? []
                }
            }
            if let configuration = try? Configuration.parse(bytes, path: "g.conf") {
                #expect(try parse(configuration.rendered) == configuration)
            }
        }
    }
}
