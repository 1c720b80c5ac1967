import Authorization
import Control
import Glibc
import Monitor
import Routing
import Support
import Testing

@Suite("The sessions that live")
struct SessionRegistryTests {
    private let registry = SessionRegistry()
    private let session = SessionID()
    private static let rights = GivenRights(permissions: Permissions(programs: .all), sudo: false)

    private func add(host: String?, _ session: SessionID? = nil, user: String = "alice") throws {
        registry.add(
            SessionRegistry.Entry(
                session: session ?? self.session, process: try ProcessHandle(getpid()), user: user,
                from: .anywhere, host: host, rights: nil))
    }

    /// The hosts on which the seats are that a choice sees, and where its user belongs; the choice is `host`.
    private func seat(
        on host: String?, _ session: SessionID? = nil, isJump: Bool = false, keepsSeat: Bool = false
    ) -> (others: [String], lost: [String]) {
        let (others, lost) = registry.seat(
            session ?? self.session, of: "alice", isJump: isJump, keepsSeat: keepsSeat
        ) { others, lost -> (host: String?, choice: ([String], [String])) in
            (host, (others.map(\.host).sorted(), lost.map(\.host).sorted()))
        }
        return (others, lost)
    }

    @Test("a jump leaves the seat of a session that is on a host, which draws it there")
    func jumpFromHost() throws {
        try add(host: "c1")
        registry.noteConnection(of: session, to: "c1")
        #expect(seat(on: "c2", isJump: true, keepsSeat: true).others == ["c1"])
        #expect(registry.count(on: "c1") == 1)
        #expect(registry.count(on: "c2") == 0)
        registry.noteJump(to: "c2", of: session, rights: Self.rights, isSeat: false)
        #expect(registry.jumps(of: session.description) == ["c2"])
        #expect(seat(on: nil, SessionID()).others == ["c1"])
    }

    @Test("a session that is on no host yet takes its seat along, and does not see it")
    func jumpWithoutHost() throws {
        try add(host: "c1")
        #expect(seat(on: "c2", isJump: true).others == [])
        #expect(seat(on: nil, SessionID()).others == ["c2"])
    }

    @Test("a jump counts until it is over, and a host to which several lead until the last is")
    func jumpEnds() throws {
        try add(host: "c1")
        registry.noteConnection(of: session, to: "c1")
        for host in ["c2", "c3", "c2"] {
            registry.noteJump(to: host, of: session, rights: Self.rights, isSeat: false)
        }
        #expect(registry.jumps(of: session.description) == ["c2", "c3"])
        registry.noteJumpEnd(to: "c2", of: session)
        #expect(registry.jumps(of: session.description) == ["c2", "c3"])
        #expect(registry.lastEnd(on: "c2") == nil)
        registry.noteJumpEnd(to: "c2", of: session)
        #expect(registry.jumps(of: session.description) == ["c3"])
        #expect(registry.lastEnd(on: "c2") != nil)
        // Once too often, to where it never was, and of a session that is none: nothing happens.
        registry.noteJumpEnd(to: "c2", of: session)
        registry.noteJumpEnd(to: "c4", of: session)
        registry.noteJumpEnd(to: "c3", of: SessionID())
        #expect(registry.jumps(of: session.description) == ["c3"])
        #expect(registry.lastEnd(on: "c4") == nil)
        registry.noteJump(to: "c2", of: session, rights: Self.rights, isSeat: false)
        #expect(registry.jumps(of: session.description) == ["c2", "c3"])
        #expect(seat(on: nil, SessionID()).others == ["c1"])
        #expect(registry.jumps(of: "no session") == [])
    }

    @Test("with the end of a jump the seat goes to another one, then back to the host of the login")
    func seatAfterJump() throws {
        try add(host: "c1")
        registry.noteJump(to: "c3", of: session, rights: Self.rights, isSeat: true)
        registry.noteJump(to: "c2", of: session, rights: Self.rights, isSeat: true)
        for (ended, seat) in [("c2", "c3"), ("c3", "c1")] {
            registry.noteJumpEnd(to: ended, of: session)
            #expect(self.seat(on: nil, SessionID()).others == [seat])
        }
    }

    @Test("the seat of a session without a host of its own is gone with its jump")
    func noSeatAfterJump() throws {
        try add(host: nil)
        registry.noteJump(to: "c2", of: session, rights: Self.rights, isSeat: true)
        #expect(registry.count(on: "c2") == 1)
        registry.noteJumpEnd(to: "c2", of: session)
        #expect(registry.count(on: "c2") == 0)
    }

    @Test("a host that was chosen and not reached is not where the session is")
    func connectionElsewhere() throws {
        try add(host: "c1")
        #expect(seat(on: "c2").others == [])
        registry.noteConnection(of: session, to: "c1")
        #expect(registry.count(on: "c1") == 1)
        #expect(registry.count(on: "c2") == 0)
        #expect(seat(on: nil, SessionID()).others == ["c1"])
    }

    @Test("who lost a host belongs there, unless it was found again", arguments: [true, false])
    func loss(_ isFoundAgain: Bool) throws {
        try add(host: "c1")
        registry.noteConnection(of: session, to: "c1")
        registry.noteLoss(session)
        if isFoundAgain { registry.noteConnection(of: session, to: "c1") }
        registry.remove(session)
        #expect(seat(on: nil, SessionID()).lost == (isFoundAgain ? [] : ["c1"]))
    }

    @Test("all that are to end are asked at once, each for its own reason")
    func end() throws {
        // Each ends by itself when both have been asked, and has to be killed when it was asked alone.
        let script = "trap 'echo >&3; read x <&4; exit 7' TERM; echo; while :; do /bin/sleep 0.05; done"
        let (first, second) = (try Descriptor.pipe(), try Descriptor.pipe())
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        var children: [(session: SessionID, pid: Int32)] = []
        for (write, read) in [(first.write, second.read), (second.write, first.read)] {
            let ready = try Descriptor.pipe()
            var child = ChildProcess(
                "/bin/sh", descriptors: [nothing, ready.write, nothing, write, read])
            child.arguments = ["-c", script]
            let pid = try child.start()
            var buffer = [UInt8](repeating: 0, count: 16)
            #expect(try ready.read.read(into: &buffer) == 1)
            children.append((SessionID(), pid))
            registry.add(
                SessionRegistry.Entry(
                    session: children[children.count - 1].session, process: try ProcessHandle(pid),
                    user: "alice", from: .anywhere, host: nil, rights: nil))
        }
        try add(host: "c1")
        let endings = [
            children[0].session: SessionRegistry.Ending(reason: "locked", cause: .user),
            children[1].session: SessionRegistry.Ending(reason: "drained", cause: .drain),
        ]
        #expect(registry.end { endings[$0.session] } == 2)
        #expect(children.map { ChildProcess.wait(for: $0.pid) } == [7, 7])
        #expect(children.map { registry.remove($0.session)?.endReason } == ["locked", "drained"])
        #expect(registry.remove(session)?.endReason == nil)
    }
}
