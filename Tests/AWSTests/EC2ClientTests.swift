import AWS
import Support
import Testing

@Suite("The EC2 client")
struct EC2ClientTests {
    static let page = """
        <?xml version="1.0" encoding="UTF-8"?>
        <DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <requestId>4f1c</requestId>
            <reservationSet>
                <item><instancesSet>
                    <item>
                        <instanceId>i-1</instanceId><imageId>ami-1</imageId>
                        <instanceState><code>16</code><name>running</name></instanceState>
                        <instanceType>m7g.large</instanceType><launchTime>2026-01-30T10:00:00.000Z</launchTime>
                        <placement><availabilityZone>eu-central-1a</availabilityZone></placement>
                        <privateIpAddress>10.0.0.1</privateIpAddress><privateDnsName>ip-10-0-0-1</privateDnsName>
                        <vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId>
                        <networkInterfaceSet><item><ipv6AddressesSet><item><ipv6Address>fd00::1</ipv6Address></item>
                        </ipv6AddressesSet></item></networkInterfaceSet>
                        <tagSet>
                            <item><key>Name</key><value>communal1 &lt;é&gt;</value></item>
                            <item><key>Empty</key><value/></item>
                        </tagSet>
                    </item>
                    <item><instanceId>i-2</instanceId><instanceState><name>melting</name></instanceState></item>
                    <item/>
                </instancesSet></item>
            </reservationSet>
            <nextToken>NEXT</nextToken>
        </DescribeInstancesResponse>
        """

    private static func last(_ id: String) -> String {
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>\(id)</instanceId></item>"
            + "</instancesSet></item></reservationSet></DescribeInstancesResponse>"
    }

    private func form(_ request: HTTPRequest) -> [String] {
        String(decoding: request.body, as: UTF8.self).split(separator: "&").map(String.init)
    }

    @Test("DescribeInstances reads all pages")
    func describe() throws {
        let transport = FakeTransport([.success(.text(Self.page)), .success(.text(Self.last("i-3")))])
        let found = try EC2Client(.test(transport)).describeInstances(
            filters: [
                EC2Filter("tag:Pool", ["a b", "c&d"]), EC2Filter("instance-state-name", ["running"]),
            ])
        #expect(found.map(\.id) == ["i-1", "i-2", "i-3"])
        let first = try #require(found.first)
        #expect(first.state == .running && first.type == "m7g.large" && first.imageID == "ami-1")
        #expect(first.launchTime == Timestamp("2026-01-30T10:00:00Z"))
        #expect(first.privateAddress == "10.0.0.1" && first.publicAddress == nil)
        #expect(first.ipv6Address == "fd00::1" && first.privateName == "ip-10-0-0-1")
        #expect(first.availabilityZone == "eu-central-1a")
        #expect(first.networkID == "vpc-1" && first.subnetID == "subnet-1")
        #expect(first.tags == ["Name": "communal1 <é>", "Empty": ""] && first.name == "communal1 <é>")
        #expect(found[1].state == .unknown)
        #expect(
            form(transport.requests[0]) == [
                "Action=DescribeInstances", "Filter.1.Name=tag%3APool", "Filter.1.Value.1=a%20b",
                "Filter.1.Value.2=c%26d", "Filter.2.Name=instance-state-name", "Filter.2.Value.1=running",
                "MaxResults=1000", "Version=2016-11-15",
            ])
        #expect(form(transport.requests[1]).contains("NextToken=NEXT"))
        #expect(transport.requests[0].url.description == "https://ec2.eu-central-1.amazonaws.com/")
    }

    @Test("asked for by id, instances are not paged")
    func byID() throws {
        let transport = FakeTransport([.success(.text(Self.last("i-1")))])
        _ = try EC2Client(.test(transport)).describeInstances(instanceIDs: ["i-1", "i-2"])
        #expect(
            form(transport.requests[0]) == [
                "Action=DescribeInstances", "InstanceId.1=i-1", "InstanceId.2=i-2", "Version=2016-11-15",
            ])
    }

    @Test("instances are started and stopped", arguments: ["Start", "Stop"])
    func change(_ verb: String) throws {
        let transport = FakeTransport([
            .success(
                .text(
                    "<\(verb)InstancesResponse><instancesSet><item><instanceId>i-1</instanceId>"
                        + "<currentState><name>pending</name></currentState>"
                        + "<previousState><name>stopped</name></previousState></item></instancesSet>"
                        + "</\(verb)InstancesResponse>"))
        ])
        let client = EC2Client(try .test(transport))
        let changes = try verb == "Start" ? client.startInstances(["i-1"]) : client.stopInstances(["i-1"])
        #expect(changes == [EC2StateChange(id: "i-1", previous: .stopped, current: .pending)])
    }

    @Test(
        "an error tells its code and the request",
        arguments: [
            ("InvalidInstanceID.NotFound", AWSError.Code.notFound), ("UnauthorizedOperation", .accessDenied),
            ("AuthFailure", .invalidCredentials), ("InvalidParameterValue", .rejected),
        ])
    func errors(_ name: String, _ expected: AWSError.Code) throws {
        let text =
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>\(name)</Code><Message>No.</Message></Error>"
            + "</Errors><RequestID>4f1c</RequestID></Response>"
        let transport = FakeTransport([.success(.text(text, status: 400))])
        #expect {
            _ = try EC2Client(.test(transport)).describeInstances()
        } throws: { error in
            (error as? AWSError)?.code == expected
                && "\(error)" == "ec2 DescribeInstances: \(name): No. (status 400, request 4f1c)"
        }
    }

    @Test("an answer to something else is an error")
    func somethingElse() throws {
        for text in ["<html/>", "{}", "<StartInstancesResponse/>"] {
            let transport = FakeTransport([.success(.text(text))])
            #expect(code { _ = try EC2Client(.test(transport)).describeInstances() } == .malformedResponse)
        }
    }
}

@Suite("An XML document")
struct XMLReaderTests {
    private func parse(_ text: String) throws -> XMLElement {
        try XMLReader.parse(Array(text.utf8))
    }

    @Test("is read with its text, without its layout")
    func reads() throws {
        let root = try parse(
            "<?xml version='1.0'?><a x='1'>\n <b>1 &amp; <![CDATA[<2>]]>&#x41;</b>\n <b/><!-- c --></a>")
        #expect(root.name == "a" && root.text.isEmpty)
        #expect(root.children.map(\.name) == ["b", "b"])
        #expect(root.string("b") == "1 & <2>A")
        #expect(root.list("c").isEmpty)
    }

    @Test(
        "is refused when it is damaged",
        arguments: [
            "", " ", "a", "<a>", "<a><b></a>", "<a/><b/>", "<a>&nothing;</a>", "<a", "<a x=1/>",
            "<a>\u{0}</a>",
            "<a>\u{1}</a>", "<?xml version='1.0' encoding='nonsense'?><a",
        ])
    func damaged(_ text: String) {
        #expect(code { _ = try parse(text) } == .malformedResponse)
    }

    @Test("is refused when it has a document type, so entities cannot grow or reach files")
    func entities() {
        let lol = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'><!ENTITY y '&x;&x;&x;&x;'>]><a>&y;</a>"
        let file = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"
        for text in [lol, file, "<!DOCTYPE a><a/>", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/'><a/>"] {
            #expect(code { _ = try parse(text) } == .malformedResponse)
        }
    }

    @Test("may be nested 32 levels deep and no deeper")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(try parse(nested(32)).children.count == 1)
        for depth in [33, 100_000] { #expect(code { _ = try parse(nested(depth)) } == .malformedResponse) }
        #expect(code { _ = try parse(String(repeating: "<a>", count: 100_000)) } == .malformedResponse)
    }

    @Test("may have half a million elements and no more")
    func width() throws {
        let many = "<a>" + String(repeating: "<b/>", count: 500_000) + "</a>"
        #expect(code { _ = try parse(many) } == .malformedResponse)
    }

    @Test("cut off anywhere it is an error, and never a crash")
    func truncated() throws {
        let whole = Array("<?xml version='1.0'?><a><b>é&amp;</b><c x='y'/></a>".utf8)
        for count in 0..<whole.count {
            #expect(throws: AWSError.self) { _ = try XMLReader.parse(Array(whole[..<count])) }
        }
        #expect(try XMLReader.parse(whole).children.count == 2)
    }

    @Test("that is no UTF-8 is refused")
    func notText() {
        #expect(throws: AWSError.self) { _ = try XMLReader.parse(Array("<a>".utf8) + [0xFF, 0xC0, 0x80]) }
    }
}
