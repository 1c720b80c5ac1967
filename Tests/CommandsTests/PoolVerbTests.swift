import Audit
import Commands
import Control
import Directory
import Support
import Testing

@Suite("draining hosts and choosing a default")
struct PoolVerbTests {
    @Test("host drain tells who is there, shows everywhere and is an event; host undrain ends it")
    func drain() throws {
        let gateway = try Gateway()
        gateway.daemon.state.withLock { $0.conditions["communal1"] = HostCondition(sessions: 3) }
        let words = ["host", "drain", "communal1", "--deadline", "2h", "--message", "kernel update"]
        let terminal = Transcript()
        #expect(CommandService(gateway.services).run(words, for: Gateway.root, on: terminal) == .success)
        #expect(terminal.output == "host communal1 takes no new sessions; sessions there: 3\n")
        let end = Gateway.now + .seconds(7_200)
        #expect(
            gateway.daemon.state.withLock { $0.walls } == [
                "communal1: communal1 takes no new sessions.\nSessions end at \(end).\nkernel update"
            ])
        #expect(gateway.output(of: "host list").contains("draining until \(end): kernel update"))
        #expect(gateway.output(of: "host show communal1").contains("draining until \(end): kernel update"))
        #expect(gateway.output(of: "host show communal1 --json").contains("\"message\": \"kernel update\""))
        #expect(gateway.output(of: "host undrain communal1") == "host communal1 takes sessions again\n")
        #expect(gateway.run("host undrain communal1") == .failure)
        #expect(try gateway.services.directory.host("communal1").drain == nil)
        let kinds = try gateway.services.events.events(.init()).map(\.event.kind)
        #expect(kinds.filter { $0.hasPrefix("host.") }.sorted() == ["host.drained", "host.undrained"])
    }

    @Test("a host that cannot be told is drained all the same")
    func drainUnreachable() throws {
        let gateway = try Gateway()
        gateway.daemon.state.withLock {
            $0.failures["communal1"] = CommandError(.unavailable, "communal1 cannot be reached")
        }
        let terminal = Transcript()
        #expect(gateway.run("host drain communal1", on: terminal) == .success)
        #expect(terminal.errors == "nobody there was told: communal1 cannot be reached\n")
        #expect(try gateway.services.directory.host("communal1").drain != nil)
    }

    @Test("a deadline that is past and a host that is not there change nothing")
    func drainRefused() throws {
        let gateway = try Gateway()
        #expect(gateway.run("host drain communal1 --deadline 2020-01-01") == .usage)
        #expect(gateway.run("host drain nowhere") == .notFound)
        #expect(gateway.run("host drain communal1", as: Gateway.alice) == .refused)
        #expect(gateway.run("host drain communal1", as: Gateway.audrey) == .refused)
        #expect(try gateway.services.directory.host("communal1").drain == nil)
        #expect(gateway.daemon.state.withLock { $0.walls }.isEmpty)
    }

    @Test("host show says how busy a host is, who keeps a place there, and why it is avoided")
    func condition() throws {
        let gateway = try Gateway()
        let alice = try gateway.services.directory.user("alice").uid
        gateway.daemon.state.withLock {
            $0.conditions["communal1"] = HostCondition(
                sessions: 2,
                load: HostLoad(
                    processors: 8, load: 4_205, memory: 64 << 30, availableMemory: 48 << 30,
                    services: [.init(uid: alice, name: "tmux")]), failure: "connection refused")
        }
        let text = gateway.output(of: "host show communal1")
        #expect(text.contains("4.20 on 8 processors, 25 % of 64 GiB used"))
        #expect(text.contains("tmux of alice"))
        #expect(text.contains("does not answer: connection refused"))
        #expect(gateway.output(of: "host list").contains("does not answer: connection refused"))
        #expect(gateway.output(of: "host show communal1 --json").contains("\"load_thousandths\": 4205"))
    }

    @Test("hosts default chooses, shows and forgets")
    func chooses() throws {
        let gateway = try Gateway()
        #expect(gateway.output(of: "hosts default", as: Gateway.alice) == "communal\n")
        #expect(
            gateway.output(of: "hosts default communal1", as: Gateway.alice) == "communal1, your own choice\n"
        )
        #expect(gateway.output(of: "hosts", as: Gateway.alice).contains("communal1 *"))
        #expect(gateway.output(of: "hosts default --clear", as: Gateway.alice) == "communal\n")
        #expect(gateway.run("hosts default communal1 --clear", as: Gateway.alice) == .usage)
        #expect(gateway.run("hosts default nowhere", as: Gateway.alice) == .notFound)
        #expect(gateway.run("hosts default gate", as: Gateway.alice) == .usage)
        #expect(gateway.run("hosts default communal1", as: Gateway.root) == .refused)
        #expect(try gateway.services.directory.pin(of: "alice") == nil)
    }

    @Test("who may not reach a host cannot choose it, and learns nothing of it")
    func choosesInVain() throws {
        let gateway = try Gateway()
        let terminals = ["communal1", "nowhere"].map { name in
            let terminal = Transcript()
            #expect(gateway.run("hosts default \(name)", as: Gateway.ada, on: terminal) == .notFound)
            return terminal.errors.replacing(name, with: "X")
        }
        #expect(terminals[0] == terminals[1])
    }
}
