import AWS
import TestSupport
import Testing

@Suite("Answers with damage anywhere")
struct MutationTests {
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
            let body = generator.damaged(Array(text.utf8))
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
        let bytes = generator.damaged(Array(text.utf8))
        let path = try folder.write(String(decoding: bytes, as: UTF8.self), to: "config")
        let environment = Environment(["AWS_CONFIG_FILE": path, "AWS_PROFILE": "default"])
        _ = code { _ = try ProfileCredentials(environment).load() }
    }
}
