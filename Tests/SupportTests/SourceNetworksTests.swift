import Support
import TestSupport
import Testing

@Suite("Networks from which something may be used")
struct SourceNetworksTests {
    @Test(
        "admit who comes from one of them, in whatever clothes",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true), ("::ffff:10.0.0.0/104", "10.0.0.1", true),
            ("10.0.0.0/8,2001:db8::/32", "2001:db8::1%eth0", true), ("2001:db8::/32", "10.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true), ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
            ("10.0.0.0/8", "", false), ("10.0.0.0/8", "10.0.0.1.", false), ("::/0", "host", false),
        ])
    func admission(_ list: String, _ address: String, _ isAdmitted: Bool) throws {
        let networks = try SourceNetworks(list)
        #expect(networks.admit(Origin(client: address)) == isAdmitted)
        #expect(networks.admit(.anywhere))
        #expect(SourceNetworks.anywhere.admit(Origin(client: address)))
    }

    @Test("are one list however they are written, and read again as they are kept")
    func text() throws {
        let networks = try SourceNetworks(
            "2001:db8::/32,::ffff:10.0.0.0/104,192.0.2.1,10.0.0.0/8,192.0.2.1/32")
        #expect(networks.text == "10.0.0.0/8,192.0.2.1,2001:db8::/32")
        #expect(networks.list == ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"])
        #expect(try SourceNetworks(networks.text) == networks)
        #expect(SourceNetworks(stored: networks.text) == networks)
        #expect(SourceNetworks(stored: "") == .anywhere)
        #expect(SourceNetworks.anywhere.text == "" && SourceNetworks.anywhere.list == [])
    }

    @Test("of a list that is not understood are none, and stay so", arguments: ["none", ",", "10.0.0.0/8,x"])
    func damaged(_ text: String) {
        let networks = SourceNetworks(stored: text)
        #expect(!networks.admit(.anywhere) && !networks.admit(Origin(client: "10.0.0.1")))
        #expect(networks != .anywhere && SourceNetworks(stored: networks.text) == networks)
    }

    @Test(
        "are refused with what is wrong and what to write",
        arguments: [
            ("10.0.0.7/8", "'10.0.0.7/8' has bits behind its prefix", "write 10.0.0.0/8 for the network"),
            ("192.0.2.1,2001:db8::1/32", "'2001:db8::1/32' has bits", "write 2001:db8::/32 for the network"),
            ("10.0.0.0/33", "'10.0.0.0/33' is not a network", "write networks such as"),
            ("any", "'any' is not a network", "write networks such as"), ("", "'' is not", "write networks"),
            ("10.0.0.0/8,", "'' is not", "write"),
            ("10.0.0.0/8, 11.0.0.0/8", "' 11.0.0.0/8' is not", "write"),
            ("fe80::1%eth0", "'fe80::1%eth0' is not", "write"),
            ("10.0.0.0/-1", "'10.0.0.0/-1' is not", "write"),
            ("\u{1B}[2J", "'\\u{1B}[2J' is not", "write"),
        ])
    func misfits(_ text: String, _ detail: String, _ hint: String) {
        let misfit = #expect(throws: SourceNetworks.Misfit.self) { try SourceNetworks(text) }
        #expect(misfit?.detail.hasPrefix(detail) ?? false, "\(misfit?.detail ?? "")")
        #expect(misfit?.hint.hasPrefix(hint) ?? false, "\(misfit?.hint ?? "")")
    }

    @Test("are sixty-four at the most")
    func limit() throws {
        let list = (0..<65).map { "10.0.0.\($0)" }
        #expect(try SourceNetworks(list.dropLast().joined(separator: ",")).list.count == 64)
        #expect(throws: SourceNetworks.Misfit.self) { try SourceNetworks(list.joined(separator: ",")) }
    }

    @Test("that are damaged in thousands of ways are a list or none, never a wider one by reading it again")
    func mutations() {
        let good = Array("10.0.0.0/8,192.0.2.1,2001:db8::/32,::ffff:10.1.0.0/112".utf8)
        var random = SeededGenerator(seed: 29)
        for _ in 0..<5_000 {
            let text = String(decoding: random.damaged(good), as: UTF8.self)
            guard let networks = try? SourceNetworks(text) else { continue }
            #expect((try? SourceNetworks(networks.text)) == networks)
            #expect((1...SourceNetworks.limit).contains(networks.list.count))
        }
    }
}
