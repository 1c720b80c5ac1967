import Authorization
import Testing

@Suite("What a session was given")
struct GivenRightsTests {
    private static let some = PortSet([80...80, 8_000...8_010])
    private static let samples = Programs.allCases.flatMap { programs in
        [PortSet.none, some, .all].flatMap { ports in
            [false, true].flatMap { isSet in
                [false, true].map { sudo in
                    GivenRights(
                        permissions: Permissions(
                            programs: programs, terminal: isSet, forwarding: ports, remoteForwarding: !isSet,
                            agent: isSet, record: !isSet), sudo: sudo, shown: sudo ? .code : [])
                }
            }
        }
    }

    @Test("is read again as it was written", arguments: samples)
    func roundTrip(_ given: GivenRights) {
        #expect(GivenRights(text: given.text) == given)
    }

    @Test("is read again with as many ports as a set can have")
    func manyPorts() {
        let ports = PortSet((0..<UInt16(PortSet.pieceLimit)).map { 20_000 + $0 * 3...20_001 + $0 * 3 })
        let given = GivenRights(permissions: Permissions(programs: .all, forwarding: ports), sudo: false)
        #expect(ports.pieces.count == PortSet.pieceLimit && given.text.utf8.count > 10_000)
        #expect(GivenRights(text: given.text) == given)
        #expect(PortSet(ports.text) == nil)
    }

    @Test("is written in words")
    func text() {
        let permissions = Permissions(programs: .all, terminal: true, forwarding: Self.some, agent: true)
        #expect(
            GivenRights(permissions: permissions, sudo: true).text
                == "programs:all terminal ports:80,8000-8010 agent sudo")
        #expect(
            GivenRights(permissions: Permissions(), sudo: false, shown: .all).text
                == "programs:none shown:pam,totp")
    }

    @Test(
        "is not read from anything else",
        arguments: [
            "", " ", "all", "terminal", "programs", "programs:", "programs:some", "programs:all  sudo",
            "programs:all programs:none", "programs:all ports", "programs:all ports:", "programs:all ports:0",
            "programs:all root", "programs:all sudo:yes", "programs:all\u{0}", "Programs:all",
            "programs:all ", "programs:all shown", "programs:all shown:", "programs:all shown:publickey",
        ])
    func nonsense(_ text: String) { #expect(GivenRights(text: text) == nil) }

    @Test("is read from damaged text as something that was written, or not at all")
    func damage() {
        for sample in Self.samples {
            let bytes = Array(sample.text.utf8)
            for index in bytes.indices {
                for byte: UInt8 in [0, 32, 44, 45, 48, 57, 58, 97, 255] {
                    var damaged = bytes
                    damaged[index] = byte
                    let text = String(decoding: damaged, as: UTF8.self)
                    guard let read = GivenRights(text: text) else { continue }
                    #expect(GivenRights(text: read.text) == read)
                }
            }
        }
    }

    @Test("goes on under as much or more, and never under less", arguments: samples, samples)
    func coverage(_ given: GivenRights, _ now: GivenRights) {
        let isLess =
            !now.permissions.cover(given.permissions) || given.sudo && !now.sudo
        #expect(given.isCovered(by: now) == !isLess)
        // To be recorded is no right that could be missing.
        var unrecorded = now.permissions
        unrecorded.record = given.permissions.record
        let isLessBesides = !unrecorded.cover(given.permissions) || given.sudo && !now.sudo
        #expect(given.isCoveredButForRecording(by: now) == !isLessBesides)
    }

    @Test("together with what another jump was given needs what both need", arguments: samples, samples)
    func union(_ left: GivenRights, _ right: GivenRights) {
        let both = left.union(right)
        #expect(left.shown.isSuperset(of: both.shown) && right.shown.isSuperset(of: both.shown))
        for now in Self.samples where both.isCovered(by: now) {
            #expect(left.permissions.forwarding.isEmpty || !now.permissions.forwarding.isEmpty)
            #expect(!(left.sudo || right.sudo) || now.sudo)
            #expect(now.permissions.programs >= max(left.permissions.programs, right.permissions.programs))
        }
    }
}
