import AWS
import TestSupport
import Testing

/// Numbers that look random and are the same in each run.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Answers with damage anywhere")
struct MutationTests {
    /// `text` with one to four bytes replaced, removed or repeated.
    private static func damaged(_ text: String, _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let index = bytes.indices.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(contentsOf: bytes[index..<min(index + 16, bytes.count)], at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return bytes
    }

    @Test("are read or refused, and never end the process", arguments: 0..<500)
    func survives(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for (text, status) in [
            (EC2ClientTests.page, 200),
            (
                #"{"InstanceInformationList":[{"InstanceId":"i-1","LastPingDateTime":1700000000.5}],"NextToken":""}"#,
                200
            ),
            (#"{"__type":"a.b#Throttled:http://x","message":"no"}"#, 400),
            ("<Response><Errors><Error><Code>C</Code><Message>M</Message></Error></Errors></Response>", 400),
        ] {
            let body = Self.damaged(text, &generator)
            let transport = FakeTransport([
                .success(HTTPResponse(status: status, body: body)), .success(HTTPResponse(status: 400)),
            ])
            let session = try AWSSession.test(transport)
            _ = code { _ = try EC2Client(session).describeInstances() }
            _ = code { _ = try SSMClient(session).describeInstanceInformation() }
        }
    }

    @Test("also in AWS's files", arguments: 0..<100)
    func files(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let folder = try ScratchFolder()
        let text =
            "# c\n[default]\naws_access_key_id = AK ; c\naws_secret_access_key=SK\ns3 =\n  x = y\n[profile \"a b\"]\n"
        let bytes = Self.damaged(text, &generator)
        let path = try folder.write(String(decoding: bytes, as: UTF8.self), to: "config")
        let environment = Environment(["AWS_CONFIG_FILE": path, "AWS_PROFILE": "default"])
        _ = code { _ = try ProfileCredentials(environment).load() }
    }
}
