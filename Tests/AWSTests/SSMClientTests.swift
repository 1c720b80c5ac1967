import AWS
import FoundationEssentials
import Support
import Testing

@Suite("The SSM client")
struct SSMClientTests {
    private func body(_ request: HTTPRequest?) -> String {
        String(decoding: request?.body ?? [], as: UTF8.self)
    }

    @Test("SendCommand says everything, and gives the command's id")
    func sendCommand() throws {
        let transport = FakeTransport([
            .success(
                .text(
                    #"{"Command":{"CommandId":"c-1","Status":"Pending","StatusDetails":"Pending","TargetCount":2}}"#
                ))
        ])
        var request = CommandRequest.shellScript(
            ["set -eu", "echo é/\"x\""], executionTimeout: .seconds(120), on: ["i-1", "i-2"])
        request.comment = String(repeating: "x", count: 120)
        let command = try SSMClient(.test(transport)).sendCommand(request)
        #expect(command == RunCommand(id: "c-1", state: .pending, targetCount: 2))
        let sent = try #require(transport.requests.first)
        #expect(sent.method == "POST" && sent.url.description == "https://ssm.eu-central-1.amazonaws.com/")
        #expect(sent.header("X-Amz-Target") == "AmazonSSM.SendCommand")
        #expect(sent.header("Content-Type") == "application/x-amz-json-1.1")
        #expect(sent.header("X-Amz-Security-Token") == "a-very-secret-token")
        let comment = String(repeating: "x", count: 100)
        #expect(
            body(sent)
                == #"{"Comment":"\#(comment)","DocumentName":"AWS-RunShellScript","InstanceIds":["i-1","i-2"],"#
                + #""Parameters":{"commands":["set -eu","echo é/\"x\""],"executionTimeout":["120"]},"#
                + #""TimeoutSeconds":60}"#)
    }

    @Test("SendCommand takes targets in place of instances, not both, not none, not too many")
    func targets() throws {
        let transport = FakeTransport([.success(.text(#"{"Command":{"CommandId":"c-1"}}"#))])
        let client = SSMClient(try .test(transport))
        var request = CommandRequest()
        #expect(code { _ = try client.sendCommand(request) } == .invalidRequest)
        request.targets = [SSMFilter("tag:Pool", ["communal"])]
        request.deliveryTimeout = .seconds(1)
        _ = try client.sendCommand(request)
        #expect(
            body(transport.requests.first)
                == #"{"DocumentName":"AWS-RunShellScript","Parameters":{},"#
                + #""Targets":[{"Key":"tag:Pool","Values":["communal"]}],"TimeoutSeconds":30}"#)
        request.instanceIDs = ["i-1"]
        #expect(code { _ = try client.sendCommand(request) } == .invalidRequest)
        request.targets = []
        request.instanceIDs = (1...51).map { "i-\($0)" }
        #expect(code { _ = try client.sendCommand(request) } == .invalidRequest)
        #expect(transport.requests.count == 1)
    }

    @Test("GetCommandInvocation tells state, status and output")
    func invocation() throws {
        let transport = FakeTransport([
            .success(
                .text(
                    #"{"CommandId":"c-1","InstanceId":"i-1","Status":"Failed","StatusDetails":"Failed","#
                        + #""ResponseCode":3,"StandardOutputContent":"out","StandardErrorContent":"err"}"#)),
            .success(.text(#"{"Status":"Pending","StatusDetails":"Pending","ResponseCode":-1}"#)),
        ])
        let client = SSMClient(try .test(transport))
        #expect(
            try client.getCommandInvocation(commandID: "c-1", instanceID: "i-1")
                == CommandInvocation(
                    commandID: "c-1", instanceID: "i-1", state: .failed, exitStatus: 3, output: "out",
                    errorOutput: "err"))
        let pending = try client.getCommandInvocation(commandID: "c-1", instanceID: "i-2")
        #expect(pending.state == .pending && pending.exitStatus == nil && pending.instanceID == "i-2")
        #expect(body(transport.requests.first) == #"{"CommandId":"c-1","InstanceId":"i-1"}"#)
    }

    @Test("ListCommandInvocations reads all pages")
    func invocations() throws {
        let transport = FakeTransport([
            .success(
                .text(
                    #"{"CommandInvocations":[{"CommandId":"c-1","InstanceId":"i-1","Status":"Success","#
                        + #""CommandPlugins":[{"ResponseCode":0,"Output":"fine"}]}],"NextToken":"t"}"#)),
            .success(
                .text(
                    #"{"CommandInvocations":[{"InstanceId":"i-2","Status":"TimedOut","#
                        + #""StatusDetails":"DeliveryTimedOut"}],"NextToken":""}"#)),
        ])
        let found = try SSMClient(.test(transport)).listCommandInvocations(
            .init(commandID: "c-1"), withOutput: true)
        #expect(found.map(\.instanceID) == ["i-1", "i-2"])
        #expect(found.map(\.state) == [.succeeded, .deliveryTimedOut])
        #expect(found.map(\.exitStatus) == [0, nil])
        #expect(found.first?.output == "fine")
        #expect(
            transport.requests.map { body($0) } == [
                #"{"CommandId":"c-1","Details":true,"MaxResults":50}"#,
                #"{"CommandId":"c-1","Details":true,"MaxResults":50,"NextToken":"t"}"#,
            ])
    }

    @Test(
        "ListCommandInvocations of all commands asks for what is new, and for no more pages than are wanted")
    func invocationsOfAll() throws {
        let transport = FakeTransport([
            .success(
                .text(
                    #"{"CommandInvocations":[{"CommandId":"c-2","InstanceId":"i-1","Status":"Success","#
                        + #""Comment":"mine","RequestedDateTime":1700000000.25,"CommandPlugins":[{"ResponseCode":0,"#
                        + #""ResponseStartDateTime":1700000001.0,"ResponseFinishDateTime":1700000003.5}]}],"#
                        + #""NextToken":"t"}"#))
        ])
        let time = Timestamp(milliseconds: 1_700_000_000_999)
        let found = try SSMClient(.test(transport)).listCommandInvocations(
            .init(requestedAfter: time, document: "AWS-RunShellScript")
        ) { page in page.contains { $0.comment == "mine" } }
        #expect(found.map(\.commandID) == ["c-2"])
        #expect(found.first?.requested == Timestamp(milliseconds: 1_700_000_000_250))
        #expect(found.first?.elapsed == .milliseconds(2_500))
        #expect(
            transport.requests.map { body($0) } == [
                #"{"Details":false,"Filters":[{"key":"InvokedAfter","value":"2023-11-14T22:13:20Z"},"#
                    + #"{"key":"DocumentName","value":"AWS-RunShellScript"}],"MaxResults":50}"#
            ])
    }

    @Test("pages that go round in circles are not followed for ever")
    func circle() throws {
        let transport = FakeTransport([.success(.text(#"{"CommandInvocations":[],"NextToken":"t"}"#))])
        #expect(try SSMClient(.test(transport)).listCommandInvocations(.init(commandID: "c-1")).isEmpty)
        #expect(transport.requests.count == 2)
    }

    @Test("DescribeInstanceInformation tells who is there")
    func information() throws {
        let transport = FakeTransport([
            .success(
                .text(
                    #"{"InstanceInformationList":[{"InstanceId":"i-1","PingStatus":"Online","#
                        + #""LastPingDateTime":1700000000.5,"IPAddress":"10.0.0.1","PlatformType":"Linux","#
                        + #""PlatformName":"Debian","PlatformVersion":"12","AgentVersion":"3.3","ComputerName":"h"},"#
                        + #"{"InstanceId":"i-2","PingStatus":"ConnectionLost","LastPingDateTime":1e300}]}"#))
        ])
        let found = try SSMClient(.test(transport)).describeInstanceInformation(
            filters: [SSMFilter("PingStatus", ["Online"])])
        #expect(found.map(\.isOnline) == [true, false])
        #expect(found.first?.address == "10.0.0.1")
        #expect(found.map(\.lastPing) == [Timestamp(milliseconds: 1_700_000_000_500), nil])
        #expect(
            body(transport.requests.first)
                == #"{"Filters":[{"Key":"PingStatus","Values":["Online"]}],"MaxResults":50}"#)
    }

    @Test("parameters are written and read, and their values not shown")
    func parameters() throws {
        let transport = FakeTransport([
            .success(.text(#"{"Version":4}"#)),
            .success(
                .text(#"{"Parameter":{"Name":"/a","Value":"hidden","Version":4,"Type":"SecureString"}}"#)),
        ])
        let client = SSMClient(try .test(transport))
        #expect(try client.putParameter("/a", value: "hidden", isSecret: true, overwriting: true) == 4)
        let found = try client.getParameter("/a")
        #expect(found.value == "hidden")
        var dumped = "\(found)"
        dump(found, to: &dumped)
        #expect(!dumped.contains("hidden"))
        #expect(
            transport.requests.map { body($0) } == [
                #"{"Name":"/a","Overwrite":true,"Type":"SecureString","Value":"hidden"}"#,
                #"{"Name":"/a","WithDecryption":true}"#,
            ])
    }

    @Test(
        "an answer that is none is an error, and is not shown",
        arguments: [
            "", "hidden", "{", "[]", "null", #"{"Parameter":{}}"#, #"{"Parameter":{"Value":1}}"#,
            #"{"Parameter":{"Value":"hidden"#, #"{"Parameter":{"Value":"hidden","Version":1e99}}"#, "\u{0}",
        ])
    func hostile(_ text: String) throws {
        let transport = FakeTransport([.success(.text(text))])
        #expect {
            _ = try SSMClient(.test(transport)).getParameter("/a")
        } throws: { error in
            (error as? AWSError)?.code == .malformedResponse && !"\(error)".contains("hidden")
        }
    }

    @Test("an answer that is nested without end is an error", arguments: ["[", #"{"Parameter":"#])
    func nested(_ unit: String) throws {
        let transport = FakeTransport([.success(.text(String(repeating: unit, count: 20_000)))])
        #expect(code { _ = try SSMClient(.test(transport)).getParameter("/a") } == .malformedResponse)
    }

    @Test("bytes that are no text are an error")
    func notText() throws {
        let answer = HTTPResponse(status: 200, body: Array(#"{"Parameter":{"Value":""#.utf8) + [0xFF, 0xC0])
        #expect(
            code { _ = try SSMClient(.test(FakeTransport([.success(answer)]))).getParameter("/a") }
                == .malformedResponse)
    }

    @Test("an error in XML, or in no known form, still is told")
    func oddErrors() throws {
        func failure(_ text: String, _ status: Int) throws -> AWSError? {
            do {
                _ = try SSMClient(.test(FakeTransport([.success(.text(text, status: status))]))).getParameter(
                    "/a")
            } catch {
                return error as? AWSError
            }
            return nil
        }
        let xml =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>No &amp; no</Message></Error></ErrorResponse>"
        let denied = try #require(try failure(xml, 403))
        #expect(denied.code == .accessDenied && denied.detail == "No & no")
        let page = try #require(try failure("<html><p>Forbidden", 403))
        #expect(page.code == .rejected && page.detail == "the service answers with status 403")
        #expect(try failure("", 301)?.code == .rejected)
        #expect(try failure(#"{"__type":"\u001b[2J#","message":null}"#, 400)?.serviceCode == nil)
    }

    @Test(
        "states are read from either word, and only ends are final",
        arguments: [
            ("Pending", "Pending", InvocationState.pending, false),
            ("InProgress", "InProgress", .running, false),
            ("InProgress", "Delayed", .delayed, false), ("Success", "Success", .succeeded, true),
            ("Failed", "Failed", .failed, true),
            ("TimedOut", "Execution Timed Out", .executionTimedOut, true),
            ("TimedOut", "DeliveryTimedOut", .deliveryTimedOut, true),
            ("TimedOut", "", .executionTimedOut, true),
            ("Failed", "Undeliverable", .undeliverable, true), ("Cancelled", "Canceled", .cancelled, true),
            ("Failed", "Terminated", .terminated, true), ("Failed", "AccessDenied", .refused, true),
            ("Failed", "Some New Word", .failed, true), ("New", "", .unknown, false),
            ("", "", .unknown, false),
        ])
    func states(_ status: String, _ details: String, _ expected: InvocationState, _ isFinal: Bool) {
        let state = InvocationState(
            status: status.isEmpty ? nil : status, details: details.isEmpty ? nil : details)
        #expect(state == expected)
        #expect(state.isFinal == isFinal)
    }
}
