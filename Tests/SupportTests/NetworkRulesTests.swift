import Support
import Testing

@Suite("Where clients may come from")
struct NetworkRulesTests {
    private func rules(_ allowed: [String], _ denied: [String]) -> NetworkRules {
        NetworkRules(
            allowed: allowed.compactMap { Network($0) }, denied: denied.compactMap { Network($0) })
    }

    @Test(
        "what is denied is denied, whatever is allowed",
        arguments: [
            ([], [], "192.0.2.7", true), (["10.0.0.0/8"], [], "10.1.2.3", true),
            (["10.0.0.0/8"], [], "::ffff:10.1.2.3", true), (["10.0.0.0/8"], [], "192.0.2.7", false),
            (["10.0.0.0/8"], ["10.66.0.0/16"], "10.66.0.1", false),
            (["10.0.0.0/8"], ["10.66.0.0/16"], "::ffff:10.66.0.1", false),
            ([], ["10.66.0.0/16"], "192.0.2.7", true), ([], ["10.66.0.0/16"], "10.66.0.1", false),
            (["10.66.0.1"], ["0.0.0.0/0"], "10.66.0.1", false), (["0.0.0.0/0"], [], "2001:db8::1", false),
        ] as [([String], [String], String, Bool)])
    func admits(_ allowed: [String], _ denied: [String], _ address: String, _ wanted: Bool) {
        #expect(rules(allowed, denied).admit(address) == wanted)
    }

    @Test("what is no address may come where there are no rules, and nowhere else")
    func unknown() {
        #expect(rules([], []).admit("unknown"))
        #expect(!rules(["0.0.0.0/0"], []).admit("unknown"))
        #expect(!rules([], ["10.0.0.0/8"]).admit("unknown"))
    }
}
