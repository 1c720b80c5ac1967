import Authentication
import Commands
import Configuration
import Support
import Testing

@Suite("Wrong codes")
struct GuessVerbTests {
    @Test("are shown with their user, and forgotten when the user is unlocked")
    func showsAndClears() throws {
        let gateway = try Gateway()
        let limits = Locked(GuessLimits())
        limits.withLock { limits in
            for _ in 0..<3 { _ = limits.admit(.code, of: "alice", from: "192.0.2.7", at: Gateway.now) }
        }
        var services = gateway.services
        services.guesses = { user in limits.withLock { $0.records(of: user, at: Gateway.now) } }
        services.clearGuesses = { user in limits.withLock { $0.clear(user: user) } }
        let service = CommandService(services)
        func output(_ words: String...) -> String {
            let terminal = Transcript()
            #expect(service.run(words, for: Gateway.root, on: terminal) == .success)
            return terminal.output
        }
        let shown = output("user", "show", "alice")
        #expect(shown.contains("totp: 3 from 192.0.2.7, none is looked at until 2026-"))
        #expect(shown.contains("totp: 3 from elsewhere"))
        let json = output("user", "show", "alice", "--json")
        #expect(json.contains("\"failures\": 3") && json.contains("\"factor\": \"totp\""))
        #expect(!output("user", "show", "bob").contains("wrong codes"))
        _ = output("user", "unlock", "alice")
        #expect(!output("user", "show", "alice").contains("wrong codes"))
    }
}
