import Commands
import Directory
import Support
import Testing

@Suite("Commands about one-time codes")
struct CodeVerbTests {
    private static let newcomer = Caller.newcomer(
        name: "alice", session: "01JD0000000000000000000009", address: "192.0.2.9")

    private func enrol(_ name: String, in gateway: Gateway) throws {
        try gateway.services.directory.enrolCodes(
            CodeEnrolment(
                sealedSecret: [UInt8](repeating: 1, count: 48), enrolled: Gateway.now, lastStep: 1,
                recoveryHashes: [[UInt8](repeating: 2, count: 32)]), of: name, replacing: nil)
    }

    @Test("a newcomer may enrol and nothing else", arguments: PermissionTests.lines.keys.sorted())
    func newcomer(_ title: String) throws {
        let terminal = Transcript(input: Gateway.key(9))
        let line = title.hasPrefix("totp") ? title : "\(title) \(PermissionTests.lines[title] ?? "")"
        let gateway = try Gateway()
        let before = try gateway.services.directory.generation()
        let code = gateway.run(line, as: Self.newcomer, on: terminal)
        let open: Set = ["totp enrol", "totp status", "help", "version"]
        #expect((code == .refused) == !open.contains(title))
        if code == .refused { #expect(terminal.errors.contains("totp enrol")) }
        #expect(try gateway.services.directory.generation() == before)
    }

    @Test("a wrong code enrols nobody")
    func wrong() throws {
        let gateway = try Gateway()
        let terminal = Transcript(answers: ["abcdef", "", "1234567"])
        #expect(gateway.run("totp enrol", as: Self.newcomer, on: terminal) == .failure)
        #expect(terminal.output.contains("otpauth://totp/Gatehouse:alice"))
        #expect(terminal.questions.count == 3)
        #expect(try gateway.services.directory.codeEnrolment(of: "alice") == nil)
    }

    @Test("without a terminal no secret is shown")
    func noTerminal() throws {
        let terminal = Transcript()
        #expect(try Gateway().run("totp enrol", as: Gateway.alice, on: terminal) == .unavailable)
        #expect(terminal.output == "")
    }

    @Test("an administrator forgets another's codes, and is asked for a code for their own")
    func remove() throws {
        let gateway = try Gateway()
        try enrol("alice", in: gateway)
        try enrol("ada", in: gateway)
        #expect(gateway.output(of: "totp status alice").contains("1 left"))
        #expect(gateway.run("totp remove alice --yes", as: Gateway.ada, on: Transcript()) == .success)
        #expect(try gateway.services.directory.codeEnrolment(of: "alice") == nil)
        #expect(gateway.run("totp remove ada --yes", as: Gateway.ada, on: Transcript()) != .success)
        #expect(try gateway.services.directory.codeEnrolment(of: "ada") != nil)
        #expect(gateway.run("totp remove alice --yes", on: Transcript()) == .notFound)
    }
}
