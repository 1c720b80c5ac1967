import Commands
import Directory
import Support
import Testing

@Suite("Networks in commands")
struct NetworkVerbTests {
    private let gateway: Gateway

    init() throws { gateway = try Gateway() }

    /// Of alice, whose client is at 192.0.2.1, and of somebody at home.
    private static let home = Caller.user(
        name: "alice", role: .user, session: "01JD0000000000000000000003", address: "203.0.113.7")

    @Test("a grant for some networks is listed, explained and noted as one")
    func grants() throws {
        let line = "grant add --user bob --host communal1 --allow-from 2001:db8::/32,192.0.2.0/24"
        #expect(gateway.output(of: line) == "grant 2 added: user bob to host communal1\n")
        #expect(gateway.output(of: "grant list").contains("from 192.0.2.0/24,2001:db8::/32"))
        #expect(gateway.output(of: "grant list --json").contains("\"allow_from\": [\n"))
        #expect(try gateway.changes().first?["only"] == "from 192.0.2.0/24,2001:db8::/32")
        #expect(gateway.run("grant remove 1") == .success)
        let far = gateway.output(of: "grant explain bob communal1 --from 203.0.113.7")
        #expect(far.hasPrefix("bob does not reach communal1 from 203.0.113.7 at "))
        #expect(
            far.contains("grant 2 does not hold from 203.0.113.7, needs 192.0.2.0/24,2001:db8::/32"))
        #expect(far.contains("no: it does not hold from 203.0.113.7"))
        let near = gateway.output(of: "grant explain bob communal1 --from ::ffff:192.0.2.9")
        #expect(near.hasPrefix("bob reaches communal1 from 192.0.2.9 at "))
        #expect(gateway.output(of: "grant explain bob communal1").hasPrefix("bob reaches communal1 at "))
        #expect(gateway.output(of: "grant explain bob communal1 --json").contains("\"from\": null"))
        #expect(gateway.run("grant explain bob communal1 --from 18:00") == .usage)
    }

    @Test("what a right needs is said, with every way to it")
    func ways() {
        for (flags, factor) in [("", "pam,totp"), ("--agent", "totp"), ("--agent", "pam")] {
            #expect(
                gateway.run("grant add --user bob --host communal1 --require \(factor) \(flags)") == .success)
        }
        #expect(gateway.run("grant remove 1") == .success)
        let text = gateway.output(of: "grant explain bob communal1")
        #expect(text.contains("after a one-time code"))
        #expect(text.contains("with totp or pam"))
        #expect(gateway.output(of: "grant explain bob communal1 --json").contains("\"ways\": [\n"))
    }

    @Test("an approval may be for some networks, a request says nothing of them")
    func requests() {
        #expect(gateway.run("access request communal1 --for 4h --why work", as: Gateway.alice) == .success)
        #expect(gateway.run("access approve 1 --allow-from 10.0.0.0/8") == .success)
        #expect(gateway.output(of: "grant list").contains("from 10.0.0.0/8"))
        let line = "access request communal1 --for 4h --allow-from 10.0.0.0/8 --why work"
        #expect(gateway.run(line, as: Gateway.alice) == .usage)
    }

    @Test("where a person may log in is set, shown, noted and taken back")
    func people() throws {
        #expect(
            gateway.output(of: "user set bob --allow-from 10.0.0.0/8")
                == "user bob may log in from 10.0.0.0/8; sessions from elsewhere end\n")
        #expect(try gateway.changes().first?["to"] == "10.0.0.0/8")
        #expect(gateway.output(of: "user show bob").contains("logs in from:  10.0.0.0/8\n"))
        #expect(gateway.output(of: "user show bob --json").contains("\"allow_from\": [\n"))
        #expect(gateway.run("user set bob --allow-from any") == .success)
        #expect(!gateway.output(of: "user show bob").contains("logs in from"))
        #expect(gateway.run("user add dora --allow-from 10.0.0.0/8") == .success)
        #expect(try gateway.services.directory.user("dora").networks.text == "10.0.0.0/8")
        #expect(gateway.run("user set nobody --allow-from any") == .notFound)
        #expect(gateway.run("user set bob") == .usage)
    }

    @Test("what is no network is refused with what to write")
    func misfits() {
        let terminal = Transcript()
        #expect(gateway.run("user set bob --allow-from 10.0.0.7/8", on: terminal) == .usage)
        #expect(terminal.errors.contains("--allow-from: '10.0.0.7/8' has bits behind its prefix"))
        #expect(terminal.errors.contains("hint: write 10.0.0.0/8 for the network"))
        let other = Transcript()
        let line = "grant add --user bob --host communal1 --from 10.0.0.0/8"
        #expect(gateway.run(line, on: other) == .usage)
        #expect(other.errors.contains("hint: --allow-from takes networks"))
    }

    @Test("nobody keeps themselves out without being asked")
    func oneself() {
        #expect(gateway.run("user set ada --allow-from 10.0.0.0/8", as: Gateway.ada) == .usage)
        #expect(gateway.run("user set ada --allow-from 192.0.2.2", as: Gateway.ada) == .success)
        #expect(gateway.run("user set ada --allow-from 10.0.0.0/8 --yes", as: Gateway.ada) == .success)
    }

    @Test("people at the gate are shown, and keep, what they may reach from where they are")
    func gate() throws {
        #expect(gateway.run("grant remove 1") == .success)
        #expect(gateway.run("grant add --group lab --pool communal --allow-from 192.0.2.0/24") == .success)
        #expect(gateway.output(of: "hosts", as: Gateway.alice).contains("communal1"))
        let terminal = Transcript()
        #expect(gateway.run("hosts", as: Self.home, on: terminal) == .success)
        #expect(!terminal.output.contains("communal"))
        #expect(terminal.errors.contains("not from 203.0.113.7: communal1"))
        #expect(gateway.run("keep communal1 until 2h", as: Self.home) == .notFound)
        #expect(gateway.run("keep communal1 until 2h", as: Gateway.alice) == .success)
        // What goes into a file at home is for everywhere.
        #expect(gateway.output(of: "ssh-config", as: Self.home).contains("Host communal1-direct"))
    }
}
