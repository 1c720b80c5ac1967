import Collector
import FileEvents
import Testing

/// A machine whose processes are what the test says.
private final class Machine: ProcessReader {
    var living: [UInt32: ProcessFacts] = [:]
    var asked = 0

    func facts(of pid: UInt32, login: ProcessFacts.Login?) -> ProcessFacts? { living[pid] }

    func login(of pid: UInt32) -> ProcessFacts.Login? {
        asked += 1
        return living[pid]?.login
    }

    func all() -> [UInt32] { Array(living.keys) }
}

@Suite("The table of processes")
struct ProcessTableTests {
    private let machine = Machine()

    private static func facts(
        uid: UInt32 = 0, login: UInt32? = nil, session: UInt32? = nil, command: String = "sh",
        parent: UInt32 = 1,
        group: ControlGroup = .none, namespace: UInt64 = 0, kernel: Bool = false
    ) -> ProcessFacts {
        ProcessFacts(
            parent: parent, uid: uid, login: .init(uid: login, auditSession: session),
            command: Array(command.utf8), isKernel: kernel, group: group, mountNamespace: namespace)
    }

    private func actor(_ pid: UInt32, _ table: inout ProcessTable) -> Actor? {
        table.actor(of: pid, machine) { _, _ in (nil, nil) }
    }

    @Test("knows whom a process acted for that was never seen alive")
    func shortLived() {
        machine.living[10] = Self.facts(uid: 1000, login: 1000, session: 3)
        var table = ProcessTable()
        table.reset(machine)
        for child in UInt32(100)..<110 {
            table.apply(.forked(parent: 10, child: child), machine)
            table.apply(.executed(child), machine)
            table.apply(.ended(child), machine)
        }
        for child in UInt32(100)..<110 {
            let actor = actor(child, &table)
            #expect(actor?.loginUID == 1000)
            #expect(actor?.auditSession == 3)
            #expect(actor?.uid == 1000)
            #expect(actor?.origin == .login)
            #expect(actor?.command == [], "what it was called is not known, and not guessed")
        }
    }

    @Test("follows grandchildren, sessions of terminals and other users", arguments: [UInt32(0), 2000])
    func descendants(_ uid: UInt32) {
        machine.living[10] = Self.facts(uid: 1000, login: 1000, session: 3)
        var table = ProcessTable()
        table.reset(machine)
        table.apply(.forked(parent: 10, child: 11), machine)
        table.apply(.beganSession(11), machine)
        table.apply(.changedUser(11, uid: uid), machine)
        table.apply(.ended(10), machine)
        table.endBatch()
        table.endBatch()
        table.apply(.forked(parent: 11, child: 12), machine)
        table.apply(.executed(12), machine)
        let actor = actor(12, &table)
        #expect(actor?.loginUID == 1000)
        #expect(actor?.uid == uid)
        #expect(actor?.origin == .switchedUser)
    }

    @Test("never remembers that a login is unset")
    func unset() {
        machine.living[10] = Self.facts()
        var table = ProcessTable()
        table.reset(machine)
        #expect(actor(10, &table)?.loginUID == nil)
        #expect(actor(10, &table)?.origin == .unknown)
        machine.living[10]?.login = .init(uid: 1000, auditSession: 4)
        table.endBatch()
        #expect(actor(10, &table)?.loginUID == 1000)
        #expect(actor(10, &table)?.auditSession == 4)
    }

    @Test("asks again at births of unset parents", arguments: [true, false])
    func unsetParent(_ childLives: Bool) {
        machine.living[10] = Self.facts()
        var table = ProcessTable()
        table.reset(machine)
        machine.living[10]?.login = .init(uid: 1000, auditSession: 4)
        if childLives { machine.living[11] = Self.facts(login: 1000, session: 4) }
        table.apply(.forked(parent: 10, child: 11), machine)
        machine.living = [:]
        #expect(actor(11, &table)?.loginUID == 1000)
    }

    @Test("does not hand a parent's new login to a child that was born before it")
    func bornBefore() {
        machine.living[10] = Self.facts()
        var table = ProcessTable()
        table.reset(machine)
        machine.living[11] = Self.facts()
        machine.living[10]?.login = .init(uid: 1000, auditSession: 4)
        table.apply(.forked(parent: 10, child: 11), machine)
        #expect(actor(11, &table)?.loginUID == nil)
    }

    @Test("asks nothing of the system for descendants of a login")
    func cheap() {
        machine.living[10] = Self.facts(uid: 1000, login: 1000, session: 3)
        var table = ProcessTable()
        table.reset(machine)
        for child in UInt32(100)..<200 {
            table.apply(.forked(parent: 10, child: child), machine)
            _ = actor(child, &table)
        }
        #expect(machine.asked == 0)
    }

    @Test("keeps the dead for a batch, and a number that is used again is another process")
    func reuse() {
        machine.living[10] = Self.facts(uid: 1000, login: 1000, session: 3)
        machine.living[20] = Self.facts(uid: 2000, login: 2000, session: 5)
        var table = ProcessTable()
        table.reset(machine)
        table.apply(.forked(parent: 10, child: 30), machine)
        table.apply(.ended(30), machine)
        table.endBatch()
        #expect(actor(30, &table)?.loginUID == 1000)
        table.apply(.forked(parent: 20, child: 30), machine)
        table.endBatch()
        table.endBatch()
        #expect(actor(30, &table)?.loginUID == 2000)
        table.apply(.ended(30), machine)
        table.endBatch()
        table.endBatch()
        #expect(actor(30, &table) == Actor(pid: 30), "nothing is known, and nothing is guessed")
        #expect(table.count == 2)
    }

    @Test(
        "says what a process is",
        arguments: [
            (facts(uid: 1, login: 1, group: .service("ssh.service")), Actor.Origin.login),
            (facts(uid: 0, login: 1), .switchedUser),
            (facts(group: .service("cron.service")), .service("cron.service")),
            (facts(login: 1, group: .container("ab")), .container("ab")),
            (facts(group: .container("ab")), .container("ab")),
            (facts(kernel: true), .kernel),
            (facts(), .unknown),
        ])
    func origins(_ facts: ProcessFacts, _ origin: Actor.Origin) {
        machine.living[10] = facts
        var table = ProcessTable()
        #expect(actor(10, &table)?.origin == origin)
    }

    @Test("leaves out processes of other mount namespaces, but not descendants of its own")
    func namespaces() {
        machine.living[10] = Self.facts(namespace: 7)
        machine.living[11] = Self.facts(parent: 10, namespace: 8)
        machine.living[12] = Self.facts(parent: 1, namespace: 9)
        var table = ProcessTable(mountNamespace: 7)
        table.reset(machine)
        #expect(actor(10, &table) != nil)
        #expect(actor(11, &table) != nil, "a container of this host")
        #expect(actor(12, &table) == nil, "another machine's")
        table.apply(.forked(parent: 10, child: 13), machine)
        machine.living[13] = Self.facts(namespace: 8)
        table.apply(.executed(13), machine)
        #expect(actor(13, &table) != nil)
        table.apply(.forked(parent: 12, child: 14), machine)
        #expect(actor(14, &table) == nil)
        machine.living[14] = Self.facts(namespace: 7)
        table.apply(.executed(14), machine)
        #expect(actor(14, &table) != nil, "it came in from outside")
        #expect(actor(0, &table) == nil)
        #expect(actor(99, &table) == nil)
    }

    @Test("finds the session of a login")
    func connects() {
        machine.living[10] = Self.facts(uid: 1, login: 1, session: 6)
        var table = ProcessTable()
        let actor = table.actor(of: 10, machine) { login, session in ("\(login)-\(session)", nil) }
        #expect(actor?.session == "1-6")
    }
}

@Suite("Control groups")
struct ControlGroupTests {
    @Test(
        "tell containers and services, and nothing else",
        arguments: [
            ("0::/system.slice/docker-0123abcd.scope\n", ControlGroup.container("0123abcd")),
            ("12:pids:/docker/0123abcd\n0::/\n", .container("0123abcd")),
            ("0::/machine.slice/libpod-77aa.scope/container\n", .container("77aa")),
            ("0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-ff00.scope\n", .container("ff00")),
            ("0::/kubepods/burstable/pod12/ff00\n", .container("ff00")),
            ("0::/lxc.payload.web/system.slice/cron.service\n", .container("web")),
            ("0::/system.slice/cron.service\n", .service("cron.service")),
            ("0::/system.slice/system-getty.slice/getty@tty1.service\n", .service("getty@tty1.service")),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", .none),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice\n", .none),
            ("0::/\n", .none), ("", .none), ("nonsense", .none), ("0::/docker", .none),
        ])
    func reads(_ text: String, _ group: ControlGroup) {
        #expect(ControlGroup(text.utf8) == group)
    }
}
