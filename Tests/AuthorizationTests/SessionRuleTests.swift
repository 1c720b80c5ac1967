import Authorization
import Testing

/// One act of each kind.
enum Acts {
    static let connect = Act.connect(host: "localhost", port: 8_888)
    static let connectElsewhere = Act.connect(host: "localhost", port: 9_999)
    static let connectToSSH = Act.connect(host: "localhost", port: 22)
    static let environment = Act.environment(name: "LANG")
    static let fileTransfer = Act.subsystem(name: "sftp")
    static let otherSubsystem = Act.subsystem(name: "netconf")
    static let forwarded = Act.forwarded(isListening: true)
    static let agent = Act.agent(isOffered: true)
    static let jump = Act.jump(host: "gpu1", user: "alice")

    static let all: [Act] = [
        .session, .shell, .command, .terminal, .resizeTerminal, environment, fileTransfer, otherSubsystem,
        .signal,
        .agentRequest, .otherRequest, connect, connectElsewhere, connectToSSH, .otherChannel, .listen,
        .stopListening, .otherGlobalRequest, forwarded, .forwarded(isListening: false), agent,
        .agent(isOffered: false), .otherChannelOfHost, jump,
    ]
}

@Suite("What may be done in a session")
struct SessionRuleTests {
    /// A right, or some of them, and all that it permits; whatever else there is must be refused.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let permissions: Permissions
        let permitted: Set<Act>

        var testDescription: String { name }
    }

    private static let jupyter = PortSet([8_888...8_888])
    /// What needs no right: to end what was begun.
    private static let always: Set<Act> = [.stopListening]
    private static let files: Set<Act> = [.session, .signal, Acts.fileTransfer]
    private static let programs: Set<Act> = files.union([
        .shell, .command, Acts.environment, Acts.otherSubsystem,
    ])

    /// Each right alone, and what grants make of them.
    static let rows = [
        Row(name: "nothing", permissions: Permissions(), permitted: always),
        Row(
            name: "any program", permissions: Permissions(programs: .all),
            permitted: always.union(programs).union([Acts.jump])),
        Row(
            name: "files", permissions: Permissions(programs: .files),
            permitted: always.union(files)),
        Row(name: "a terminal and no program", permissions: Permissions(terminal: true), permitted: always),
        Row(
            name: "a terminal for files", permissions: Permissions(programs: .files, terminal: true),
            permitted: always.union(files)),
        Row(
            name: "a terminal for any program", permissions: Permissions(programs: .all, terminal: true),
            permitted: always.union(programs).union([.terminal, .resizeTerminal, Acts.jump])),
        Row(
            name: "every port", permissions: Permissions(forwarding: .all),
            permitted: always.union([Acts.connect, Acts.connectElsewhere])),
        Row(
            name: "some ports", permissions: Permissions(forwarding: jupyter),
            permitted: always.union([Acts.connect])),
        Row(
            name: "listening", permissions: Permissions(remoteForwarding: true),
            permitted: always.union([.listen, Acts.forwarded])),
        Row(
            name: "agent", permissions: Permissions(agent: true),
            permitted: always.union([.agentRequest, Acts.agent])),
        Row(name: "a duty to be recorded", permissions: Permissions(record: true), permitted: always),
        Row(
            name: "any program, recorded", permissions: Permissions(programs: .all, record: true),
            permitted: always.union(programs)),
        Row(
            name: "any program, some ports", permissions: Permissions(programs: .all, forwarding: jupyter),
            permitted: always.union(programs).union([Acts.connect])),
        Row(
            name: "any program, forwarding to the host",
            permissions: Permissions(programs: .all, forwarding: .all),
            permitted: always.union(programs).union([Acts.connect, Acts.connectElsewhere])),
        Row(
            name: "any program, forwarding from the host",
            permissions: Permissions(programs: .all, remoteForwarding: true),
            permitted: always.union(programs).union([.listen, Acts.forwarded])),
        Row(
            name: "files, some ports", permissions: Permissions(programs: .files, forwarding: jupyter),
            permitted: always.union(files).union([Acts.connect])),
        Row(
            name: "everything",
            permissions: Permissions(
                programs: .all, terminal: true, forwarding: .all, remoteForwarding: true, agent: true),
            permitted: Set(Acts.all).subtracting([
                .otherRequest, .otherChannel, .otherGlobalRequest, .forwarded(isListening: false),
                .agent(isOffered: false), .otherChannelOfHost, Acts.connectToSSH,
            ])),
    ]

    private static func rule(_ place: SessionRule.Place, _ permissions: Permissions) -> SessionRule {
        SessionRule(place, permissions, acceptedEnvironment: ["LANG", "LD_*"], guardedPorts: [22, 2_200])
    }

    @Test("on a host, each right permits what belongs to it and nothing else", arguments: rows, Acts.all)
    func onHost(_ row: Row, _ act: Act) {
        let ruling = Self.rule(.host, row.permissions).decide(act)
        if act == Acts.connectToSSH {
            #expect(ruling == .jumpOnly)
        } else {
            #expect((ruling == .permitted) == row.permitted.contains(act), "\(ruling)")
            #expect((ruling.refusal != nil) != row.permitted.contains(act))
        }
    }

    @Test("every kind of act is in the table")
    func complete() {
        // A new case of Act makes this switch incomplete.
        func number(_ act: Act) -> Int {
            switch act {
            case .session: 0
            case .connect: 1
            case .otherChannel: 2
            case .terminal: 3
            case .resizeTerminal: 4
            case .environment: 5
            case .shell: 6
            case .command: 7
            case .subsystem: 8
            case .signal: 9
            case .agentRequest: 10
            case .otherRequest: 11
            case .listen: 12
            case .stopListening: 13
            case .otherGlobalRequest: 14
            case .forwarded: 15
            case .agent: 16
            case .otherChannelOfHost: 17
            case .jump: 18
            }
        }
        #expect(Set(Acts.all.map(number)) == Set(0...18))
    }

    private static let everything = rows[rows.count - 1].permissions

    @Test(
        "the gateway's own commands take a session, a terminal and a command; what is granted on hosts counts for nothing",
        arguments: Acts.all)
    func onGate(_ act: Act) {
        let permitted: Set<Act> = [.session, .shell, .command, .terminal, .resizeTerminal]
        let ruling = Self.rule(.gate, Self.everything).decide(act)
        if act == Acts.connectToSSH {
            #expect(ruling == .jumpOnly)
        } else {
            #expect((ruling == .permitted) == permitted.contains(act), "\(ruling)")
        }
    }

    @Test("a watcher delivers, and does nothing else", arguments: Acts.all)
    func onBook(_ act: Act) {
        let permitted: Set<Act> = [.session, Acts.fileTransfer, Acts.otherSubsystem]
        let ruling = Self.rule(.book, Self.everything).decide(act)
        #expect((ruling == .permitted) == permitted.contains(act), "\(ruling)")
        #expect(ruling != .jumpOnly)
    }

    @Test(
        "where a login leads nowhere everything is refused with the reason, but a jump", arguments: Acts.all)
    func nowhere(_ act: Act) {
        let ruling = Self.rule(.nowhere(reason: "it is closed"), Self.everything).decide(act)
        switch act {
        case Acts.connectToSSH: #expect(ruling == .jumpOnly)
        case .terminal: #expect(ruling == .permitted)
        default: #expect(ruling == .refused("it is closed"))
        }
    }

    @Test(
        "a file transfer is the subsystem of that name, to the letter",
        arguments: ["sftp ", "SFTP", "", "sftp\u{0}", "sftp-server", "/usr/bin/sftp", "shell"])
    func subsystems(_ name: String) {
        let rule = Self.rule(.host, Permissions(programs: .files))
        #expect(rule.decide(.subsystem(name: name)) != .permitted)
    }

    @Test(
        "variables pass whose names are accepted, and never those that change what runs",
        arguments: [("LANG", true), ("LC_ALL", false), ("LD_PRELOAD", false), ("", false)])
    func environment(_ name: String, _ isPermitted: Bool) {
        let rule = Self.rule(.host, Permissions(programs: .all))
        #expect((rule.decide(.environment(name: name)) == .permitted) == isPermitted)
    }

    @Test("what is refused of a jump names the way that there is", arguments: JumpObstacle.allCases)
    func jumps(_ obstacle: JumpObstacle) {
        #expect(obstacle.sentence(about: "gpu1", to: "alice").contains("alice+gpu1"))
    }
}

@Suite("Connections to addresses")
struct ConnectionRuleTests {
    private let rule = SessionRule(
        .host, Permissions(programs: .all, forwarding: .all), guardedPorts: [22, 2_200])

    private func decide(_ host: String, _ port: UInt16 = 80) -> Ruling {
        rule.decide(.connect(host: host, port: port))
    }

    @Test(
        "ordinary addresses are dialled by the host",
        arguments: ["localhost", "127.0.0.1", "db.internal", "::1", "10.0.0.7"])
    func ordinary(_ host: String) { #expect(decide(host, 8_888) == .permitted) }

    @Test(
        "nothing but a jump leads to ports on which hosts run sshd, whatever the address",
        arguments: ["communal1", "127.0.0.1", "localhost", "10.77.0.12"], [22, 2_200] as [UInt16])
    func guarded(_ host: String, _ port: UInt16) { #expect(decide(host, port) == .jumpOnly) }

    @Test("so it is where forwarding to such a port is granted by its number")
    func guardedAndGranted() {
        let rule = SessionRule(.host, Permissions(forwarding: PortSet([22...22])), guardedPorts: [22])
        #expect(rule.decide(.connect(host: "localhost", port: 22)) == .jumpOnly)
    }

    @Test(
        "link-local addresses are refused in every notation",
        arguments: [
            "169.254.169.254", "2852039166", "0xA9FEA9FE", "0xa9.254.43518", "0251.0376.0251.0376",
            "169.254.43518",
            "::ffff:169.254.169.254", "::FFFF:A9FE:A9FE", "::169.254.169.254", "[::ffff:169.254.169.254]",
            "64:ff9b::169.254.169.254", "fe80::1", "FE80::1%eth0", "febf::1", "fd00:ec2::254", "169.254.0.1",
            "169.254.169.254.",
        ])
    func linkLocal(_ host: String) { #expect(decide(host).refusal != nil) }

    @Test(
        "addresses next to the link-local ones are not",
        arguments: ["169.253.255.255", "169.255.0.0", "fec0::1", "fd00:ec2::253"])
    func neighbours(_ host: String) { #expect(decide(host) == .permitted) }

    @Test(
        "any text is taken for a host without harm",
        arguments: ["", "[", "[]", "%", ".", "....", "\u{0}", "[%]", "é", "1.2.3.4.5"])
    func oddText(_ host: String) { #expect(decide(host) == .permitted) }
}

@Suite("Permissions")
struct PermissionsTests {
    private static let single = [
        Permissions(programs: .files), Permissions(programs: .all), Permissions(terminal: true),
        Permissions(forwarding: PortSet([80...90])), Permissions(forwarding: .all),
        Permissions(remoteForwarding: true),
        Permissions(agent: true),
    ]

    @Test("of two grants permit what one of them permits", arguments: single, single)
    func union(_ left: Permissions, _ right: Permissions) {
        let both = left.union(right)
        #expect(both == right.union(left))
        #expect(both.cover(left) && both.cover(right))
        for act in Acts.all where act != Acts.jump {
            let rules = [both, left, right].map { SessionRule(.host, $0, acceptedEnvironment: ["LANG"]) }
            let isPermitted = rules.map { $0.decide(act) == .permitted }
            // A terminal is of use where there is a program.
            if act == .terminal || act == .resizeTerminal { continue }
            #expect(isPermitted[0] == (isPermitted[1] || isPermitted[2]), "\(act)")
        }
    }

    @Test("cover no more than they permit", arguments: single)
    func cover(_ permissions: Permissions) {
        #expect(permissions.cover(permissions) && permissions.cover(Permissions()))
        #expect(!Permissions().cover(permissions))
    }

    @Test("that demand recording do not cover a session that is not recorded")
    func recording() {
        #expect(!Permissions(programs: .all, record: true).cover(Permissions(programs: .all)))
        #expect(Permissions(programs: .all).cover(Permissions(programs: .all, record: true)))
        #expect(Permissions(record: true).union(Permissions()).record)
    }
}
