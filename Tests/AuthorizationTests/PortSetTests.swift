import Authorization
import Testing

@Suite("Sets of ports")
struct PortSetTests {
    @Test(
        "are written in order, without overlaps",
        arguments: [
            ("8888", "8888"), ("8888,6006-6010", "6006-6010,8888"), ("80,81,82", "80-82"),
            ("1-10,5-20,21", "1-21"), ("65535,1", "1,65535"), ("65534-65535,1-65533", "1-65535"),
            ("22,22", "22"),
        ])
    func text(_ written: String, _ expected: String) throws {
        let ports = try #require(PortSet(written))
        #expect(ports.text == expected)
        #expect(PortSet(ports.text) == ports)
    }

    @Test(
        "are refused that are none",
        arguments: [
            "", " ", "0", "65536", "-1", "1-", "-", "10-9", "1-2-3", "80,", ",80", "80,,81", "+80", "８０",
            "0x50", "http",
            "80 ,81", "1-65536", "all", "000080", "99999999999999999999",
            String(repeating: "1,", count: 600) + "1",
        ])
    func refused(_ text: String) { #expect(PortSet(text) == nil) }

    @Test("know what is in them, at their ends too")
    func contains() throws {
        let ports = try #require(PortSet("6006-6010,8888"))
        for (port, isIn) in [
            (6_005, false), (6_006, true), (6_010, true), (6_011, false), (8_888, true), (22, false),
        ] {
            #expect(ports.contains(UInt16(port)) == isIn)
            #expect(PortSet.all.contains(UInt16(port)))
            #expect(!PortSet.none.contains(UInt16(port)))
        }
        #expect(PortSet.all.contains(0) && PortSet.all.contains(.max))
    }

    @Test("contain each other as their ports do")
    func supersets() throws {
        let (small, large) = (try #require(PortSet("80,90-95")), try #require(PortSet("80-100,8888")))
        #expect(large.isSuperset(of: small) && !small.isSuperset(of: large))
        #expect(small.union(large) == large)
        #expect(small.isSuperset(of: .none) && PortSet.all.isSuperset(of: large))
        #expect(!large.isSuperset(of: .all))
        #expect(PortSet.none.isEmpty && !small.isEmpty)
    }

    @Test("never grow beyond their limit: what is missing is not allowed")
    func bounded() {
        let many = PortSet((0..<5_000).map { UInt16($0 * 2)...UInt16($0 * 2) })
        #expect(many.pieces.count == PortSet.pieceLimit)
        #expect(many.contains(0) && !many.contains(9_998))
    }

    @Test("survive any text", arguments: 0..<2_000)
    func mutations(_ seed: Int) {
        var bytes = Array("22,6006-6010,8888".utf8)
        var state = UInt64(seed) &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        for _ in 0..<3 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 17)
        }
        guard let ports = PortSet(String(decoding: bytes, as: UTF8.self)) else { return }
        #expect(!ports.isEmpty && !ports.contains(0))
        #expect(PortSet(ports.text) == ports)
    }
}
