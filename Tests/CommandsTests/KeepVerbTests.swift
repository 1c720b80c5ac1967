import Commands
import Directory
import Support
import Testing

@Suite("keeping hosts")
struct KeepVerbTests {
    private static let bob = Caller.user(
        name: "bob", role: .user, session: "01JD0000000000000000000003", address: "192.0.2.4")

    private static func at(_ hours: Int64) -> Timestamp { Gateway.now + .seconds(hours * 3_600) }

    @Test("a person does not take back what the operator or another person wants, and reads whose it is")
    func others() throws {
        let gateway = try Gateway()
        #expect(gateway.run("host keep communal1 until 3d") == .success)
        let kept = "exit 77: gatehouse: keep: communal1 is kept until \(Self.at(72)) by the operator\n"
        for words in ["keep communal1 until 2h", "keep communal1 --clear"] {
            #expect(gateway.output(of: words, as: Gateway.alice).hasPrefix(kept))
        }
        #expect(gateway.output(of: "host show communal1").contains("until \(Self.at(72)) by the operator"))
        #expect(gateway.output(of: "host keep communal1 --clear") == "host communal1 is not kept any more\n")
        #expect(try gateway.changes().count { $0["action"]?.hasSuffix("keep") == true } == 2)
    }

    @Test("a longer keep stands beside the shorter one of another, and can be taken back")
    func longer() throws {
        let gateway = try Gateway()
        #expect(gateway.run("keep communal1 until 2h", as: Gateway.alice) == .success)
        #expect(gateway.output(of: "keep communal1 until 4h", as: Self.bob).contains("until \(Self.at(4))"))
        #expect(gateway.output(of: "host show communal1").contains("until \(Self.at(4)) by bob"))
        // Alice's own is shorter than his.
        #expect(gateway.run("keep communal1 until 1h", as: Gateway.alice) == .refused)
        #expect(
            gateway.output(of: "keep communal1 --clear", as: Self.bob)
                == "you do not keep host communal1 any more; it is kept until \(Self.at(2)) by alice\n")
        #expect(gateway.run("keep communal1 --clear", as: Self.bob) == .refused)
        #expect(
            gateway.output(of: "keep communal1 --clear", as: Gateway.alice)
                == "host communal1 is not kept any more\n")
        #expect(gateway.output(of: "host show communal1").contains("kept:") == false)
    }

    @Test("a person keeps a host for a day at the most, the operator for as long as is said")
    func limit() throws {
        let gateway = try Gateway()
        #expect(gateway.run("keep communal1 until 25h", as: Gateway.alice) == .refused)
        #expect(gateway.run("keep communal1 until 24h", as: Gateway.alice) == .success)
        #expect(gateway.run("host keep communal1 until 25h") == .success)
        #expect(gateway.run("host keep communal1 until 2020-01-01") == .usage)
    }
}
