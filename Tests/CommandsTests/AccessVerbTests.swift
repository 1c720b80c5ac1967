import Commands
import Directory
import Testing

@Suite("Asking for access")
struct AccessVerbTests {
    private let gateway: Gateway
    private static let bob = Caller.user(
        name: "bob", role: .user, session: "01JD0000000000000000000003", address: "192.0.2.4")

    init() throws { gateway = try Gateway() }

    private func ask(
        _ line: String = "access request gpu1 --for 4h --why it hangs", as caller: Caller = Gateway.alice
    ) -> String {
        gateway.output(of: line, as: caller)
    }

    @Test(
        "takes the words of a reason as SSH brings them",
        arguments: [
            ("--why it hangs", "it hangs"), ("--why \"it hangs\"", "it hangs"), ("--why 'it'", "it"),
            ("--why \"it", "\"it"),
        ])
    func reasons(_ words: String, _ why: String) throws {
        #expect(ask("access request gpu1 --for 4h \(words)").hasPrefix("request 1 for gpu1 is made"))
        #expect(try gateway.services.directory.accessRequests().map(\.why) == [why])
        #expect(try gateway.changes().last?["action"] == "access request")
        #expect(try gateway.changes().last?["why"] == why)
    }

    @Test("answers the same for hosts that there are and that there are not")
    func unknown() {
        let known = ask("access request communal1 --for 4h --why x")
        let unknown = ask("access request nowhere --for 4h --why x")
        #expect(
            known.replacing("communal1", with: "HOST").replacing("1", with: "2")
                == unknown.replacing("nowhere", with: "HOST"))
    }

    @Test(
        "wants all of it",
        arguments: [
            "access request gpu1 --for 4h", "access request gpu1 --why x", "access request --for 4h --why x",
            "access request gpu1 --for 18:00 --why x", "access request gpu1 --for 4h --why",
            "access request gpu1 --for 4h --why x --sudo",
        ])
    func usage(_ line: String) { #expect(gateway.run(line, as: Gateway.alice) == .usage) }

    @Test("shows people what they asked for, and administrators what is open")
    func list() {
        _ = ask()
        _ = ask("access request communal --for 90m --why y", as: Self.bob)
        let own = gateway.output(of: "access list", as: Gateway.alice)
        #expect(own.contains("gpu1") && own.contains("4h") && !own.contains("bob"))
        let all = gateway.output(of: "access list", as: Gateway.ada)
        #expect(all.contains("alice") && all.contains("90m") && all.contains("communal"))
        #expect(gateway.run("access deny 1 --why not now", as: Gateway.ada) == .success)
        #expect(!gateway.output(of: "access list").contains("alice"))
        #expect(gateway.output(of: "access list --all --json").contains("\"answer\": \"not now\""))
        #expect(gateway.output(of: "access list", as: Gateway.alice).contains("denied: not now"))
    }

    @Test("leads to a grant that ends by itself, which can be taken back")
    func approval() throws {
        _ = ask("access request communal1 --for 4h --why x")
        #expect(
            gateway.output(of: "access approve 1 --for 1h --record", as: Gateway.ada)
                == "request 1 approved: grant 2, user alice to host communal1 until 2026-09-21T15:13:20Z\n")
        #expect(try gateway.services.directory.grant(2).rights == Rights(record: true))
        let event = try #require(try gateway.changes().last)
        #expect(event["action"] == "access approve" && event["by"] == "ada" && event["grant"] == "2")
        #expect(event["who"] == "user alice" && event["request"] == "1" && event["why"] == "x")
        #expect(gateway.run("access revoke 1 --why that was enough") == .success)
        #expect(try gateway.services.directory.grants().map(\.id) == [1])
        #expect(try gateway.changes().last?["answer"] == "that was enough")
    }

    @Test("lets nobody approve what they ask for themselves, an administrator neither")
    func own() throws {
        #expect(ask("access request communal1 --for 4h --why x", as: Gateway.ada).hasPrefix("request 1"))
        let terminal = Transcript()
        #expect(gateway.run("access approve 1", as: Gateway.ada, on: terminal) == .refused)
        #expect(terminal.errors.contains("another administrator"))
        #expect(try gateway.services.directory.grants().count == 1)
        for verb in ["approve", "deny", "revoke"] {
            #expect(gateway.run("access \(verb) 1", as: Self.bob) == .refused)
        }
        #expect(gateway.run("access withdraw 1", as: Self.bob) == .notFound)
        #expect(gateway.run("access withdraw 1", as: Gateway.ada) == .success)
    }
}
