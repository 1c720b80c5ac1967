import Directory
import Support
import Testing

@Suite("Enrolments for one-time codes")
struct CodeTests {
    private static func enrolment(_ byte: UInt8 = 1, lastStep: Int64 = 10, codes: Int = 2) -> CodeEnrolment {
        CodeEnrolment(
            sealedSecret: [UInt8](repeating: byte, count: 48), enrolled: Fixture.time, lastStep: lastStep,
            recoveryHashes: (0..<codes).map { [UInt8](repeating: UInt8($0), count: 32) })
    }

    @Test("only the next periods are good, and each once")
    func steps() throws {
        let fixture = try Fixture()
        try fixture.user("alice")
        #expect(try !fixture.store.spendCode(ofStep: 11, of: "alice"))
        try fixture.store.enrolCodes(Self.enrolment(), of: "alice", replacing: nil)
        #expect(try !fixture.store.spendCode(ofStep: 10, of: "alice"))
        #expect(try fixture.store.spendCode(ofStep: 12, of: "alice"))
        #expect(try !fixture.store.spendCode(ofStep: 12, of: "alice"))
        #expect(try !fixture.store.spendCode(ofStep: 11, of: "alice"))
        #expect(try fixture.store.codeEnrolment(of: "alice")?.lastStep == 12)
        #expect(try !fixture.store.spendCode(ofStep: 13, of: "nobody"))
    }

    @Test("an enrolment replaces the one that it was begun on, and no other")
    func replacing() throws {
        let fixture = try Fixture()
        try fixture.user("alice")
        let first = Self.enrolment(1)
        try fixture.store.enrolCodes(first, of: "alice", replacing: nil)
        #expect(throws: DirectoryError.self) {
            try fixture.store.enrolCodes(Self.enrolment(2), of: "alice", replacing: nil)
        }
        #expect(throws: DirectoryError.self) {
            try fixture.store.enrolCodes(Self.enrolment(2), of: "alice", replacing: [9])
        }
        #expect(try fixture.store.codeEnrolment(of: "alice") == first)
        try fixture.store.enrolCodes(Self.enrolment(2, codes: 1), of: "alice", replacing: first.sealedSecret)
        #expect(try fixture.store.codeEnrolment(of: "alice")?.recoveryHashes.count == 1)
        #expect(try fixture.store.removeCodes(of: "alice"))
        #expect(try !fixture.store.removeCodes(of: "alice"))
        #expect(try fixture.store.someSealedSecret() == nil)
    }

    @Test(
        "what is malformed is not kept",
        arguments: [
            CodeEnrolment(sealedSecret: [], enrolled: Fixture.time, lastStep: 1, recoveryHashes: []),
            CodeEnrolment(
                sealedSecret: [UInt8](repeating: 1, count: 9_000), enrolled: Fixture.time, lastStep: 1,
                recoveryHashes: []), enrolment(lastStep: -1), enrolment(codes: 65),
            CodeEnrolment(
                sealedSecret: [UInt8](repeating: 1, count: 48), enrolled: Fixture.time, lastStep: 1,
                recoveryHashes: [[1]]),
        ])
    func malformed(_ enrolment: CodeEnrolment) throws {
        let fixture = try Fixture()
        try fixture.user("alice")
        #expect(throws: DirectoryError.self) {
            try fixture.store.enrolCodes(enrolment, of: "alice", replacing: nil)
        }
        #expect(try fixture.store.codeEnrolment(of: "alice") == nil)
    }
}
