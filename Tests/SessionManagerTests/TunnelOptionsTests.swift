import Testing

@testable import SessionManager

@Suite("The words after gatehouse-ssm")
struct TunnelOptionsTests {
    @Test("name an instance, a port, a region and a reason")
    func all() throws {
        let options = try TunnelOptions(
            ["--port", "2222", "i-0123456789abcdef0", "--region", "eu-west-1", "--reason", "why"])
        #expect(options.instanceID == "i-0123456789abcdef0")
        #expect(options.port == 2_222)
        #expect(options.region == "eu-west-1")
        #expect(options.reason == "why")
        #expect(options.bannerTimeout == nil)
        let short = try TunnelOptions(["--banner-timeout", "5", "i-0123456789abcdef0"])
        #expect(short.bannerTimeout == .seconds(5))
        #expect(try TunnelOptions(["mi-0123456789abcdef0"]).port == 22)
    }

    @Test(
        "are refused when they make no sense",
        arguments: [
            [], ["i-1"], ["--port", "0", "i-0123456789abcdef0"], ["--port", "65536", "i-0123456789abcdef0"],
            ["--port"], ["--verbose", "i-0123456789abcdef0"],
            ["--banner-timeout", "0", "i-0123456789abcdef0"],
            ["i-0123456789abcdef0", "i-0123456789abcdef1"], ["I-0123456789abcdef0"], ["i-0123456789abcdeg0"],
            ["host.example.org"], ["i-"],
        ])
    func refusal(_ words: [String]) {
        #expect(throws: ChannelError.self) { try TunnelOptions(words) }
    }
}
