import Support
import TestSupport
import Testing

@Suite("Networks")
struct IPAddressTests {
    @Test(
        "contain the addresses that begin as they do",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.128", true),
            ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false), ("::/0", "::1", true),
            ("::/0", "10.0.0.1", false), ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("::ffff:0:0/96", "192.0.2.1", true),
            ("fe80::/10", "fe80::1%eth0", true),
        ])
    func contains(_ network: String, _ address: String, _ wanted: Bool) throws {
        #expect(try #require(Network(network)).contains(try #require(IPAddress(address))) == wanted)
    }

    @Test(
        "that are none are not read",
        arguments: [
            "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
            "10.0.0/8", "010.0.0.0/8", "::ffff:10.0.0.0/8", "::/129", "fe80::%eth0/64", "a.example/8",
            "10.0.0.0/8\0", "10.0.0.0 /8", "10.0.0.0/٨", "0x0a.0.0.0/8", "!10.0.0.0/8", "10.0.0.0/0008",
        ])
    func refuses(_ text: String) {
        #expect(Network(text) == nil)
    }

    @Test("show as they are written, in their shortest form")
    func describes() {
        #expect(Network("2001:DB8:0::/32").map { "\($0)" } == "2001:db8::/32")
        #expect(Network("::ffff:10.0.0.0/104").map { "\($0)" } == "10.0.0.0/8")
        #expect(Network("10.0.0.1/32").map { "\($0)" } == "10.0.0.1")
    }

    @Test("of a customer are an address of IPv4, or 64 bits of IPv6")
    func customers() {
        #expect(Network.ofCustomer(at: "192.0.2.1") == "192.0.2.1")
        #expect(Network.ofCustomer(at: "::ffff:192.0.2.1") == "192.0.2.1")
        #expect(Network.ofCustomer(at: "2001:db8:1:2:3::4") == "2001:db8:1:2::/64")
        #expect(Network.ofCustomer(at: "2001:db8::1:2:3:4:5") == Network.ofCustomer(at: "2001:db8:0:1::9"))
        #expect(Network.ofCustomer(at: "unknown") == "unknown")
    }

    @Test("of damaged texts are read or not, and crash nothing")
    func mutations() {
        var random = SeededGenerator(seed: 3)
        for good in ["2001:db8::/32", "192.0.2.0/24", "::ffff:10.0.0.0/104"] {
            for _ in 0..<5_000 {
                let text = String(decoding: random.damaged(Array(good.utf8)), as: UTF8.self)
                if let network = Network(text) { #expect(network.contains(network.address)) }
            }
        }
    }
}
