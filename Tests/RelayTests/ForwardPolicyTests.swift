import Relay
import Testing

@Suite("Forward policy")
struct ForwardPolicyTests {
    private let policy = ForwardPolicy(guardedPorts: [22, 2200], mayForward: true)

    @Test(
        "ordinary addresses are dialled by the target host",
        arguments: ["localhost", "127.0.0.1", "db.internal", "::1", "10.0.0.7"])
    func dialsOrdinaryAddresses(_ host: String) {
        #expect(policy.decide(host: host, port: 8888) == .dial)
    }

    @Test(
        "ports on which hosts run sshd are a matter for the daemon, whatever the address",
        arguments: [22, 2200] as [UInt16])
    func asksAboutGuardedPorts(_ port: UInt16) {
        for host in ["communal1", "127.0.0.1", "localhost", "10.77.0.12"] {
            #expect(policy.decide(host: host, port: port) == .askForJump)
        }
    }

    @Test("what is not a jump is refused on a guarded port")
    func refusesGuardedPorts() {
        guard case .refuse(let reason) = policy.decideAfterJumpCheck(host: "127.0.0.1", port: 22) else {
            Issue.record("a guarded port was not refused")
            return
        }
        #expect(reason.contains("ssh -J"))
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
    func refusesLinkLocal(_ host: String) {
        #expect(policy.decide(host: host, port: 80) != .dial)
    }

    @Test(
        "addresses next to the link-local ones are not refused",
        arguments: ["169.253.255.255", "169.255.0.0", "fec0::1", "fd00:ec2::253"])
    func dialsNeighbours(_ host: String) {
        #expect(policy.decide(host: host, port: 80) == .dial)
    }

    @Test("without the right to forward nothing is dialled, but a jump is still the daemon's to judge")
    func withoutForwarding() {
        let policy = ForwardPolicy(guardedPorts: [22], mayForward: false)
        #expect(policy.decide(host: "localhost", port: 8888) == .refuse("port forwarding is not granted"))
        #expect(policy.decide(host: "communal2", port: 22) == .askForJump)
    }

    @Test(
        "any text is taken for a host without harm",
        arguments: ["", "[", "[]", "%", ".", "....", "\u{0}", "[%]", "é", "1.2.3.4.5"])
    func survivesOddText(_ host: String) {
        #expect(policy.decide(host: host, port: 80) == .dial)
    }
}
