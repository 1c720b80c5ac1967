import Control
import Glibc
import PAM
import Support
import TestSupport
import Testing

/// A folder with one PAM stack and a file of passwords, for `pam_matrix`, a module made for tests.
private final class Stack: Sendable {
    /// Where Debian's libpam-wrapper has it; nil: it is not installed.
    static let matrix: String? = [
        "/usr/lib/x86_64-linux-gnu/pam_wrapper/pam_matrix.so",
        "/usr/lib/aarch64-linux-gnu/pam_wrapper/pam_matrix.so",
    ].first { (path: String) in unsafe access(path, R_OK) == 0 }

    let folder: TemporaryFolder

    /// In `lines`, MATRIX stands for the module and its file.
    init(_ lines: [String], passwords: [String] = ["alice:right:unit"]) throws {
        folder = try TemporaryFolder()
        let matrix = "\(Self.matrix ?? "") passdb=\(folder.path)/passwords"
        try Self.write(passwords, to: folder.path + "/passwords")
        try Self.write(
            lines.map { line in
                line.hasSuffix("MATRIX") ? line.dropLast(6) + matrix : line
            }, to: folder.path + "/unit")
    }

    private static func write(_ lines: [String], to path: String) throws {
        let file = try Descriptor.open(path, O_CREAT | O_WRONLY | O_EXCL, mode: 0o600)
        try file.writeAll(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    func transaction(of user: String = "alice", mayChangePassword: Bool = true) -> PAMTransaction {
        PAMTransaction(
            .init(
                service: "unit", folder: folder.path, user: user, address: "192.0.2.1",
                mayChangePassword: mayChangePassword))
    }
}

/// Gives answers one after the other, and keeps what it was asked.
private final class Person {
    struct Gone: Error {}

    private var answers: [String]
    private(set) var rounds: [Questions] = []

    init(_ answers: String...) { self.answers = answers }

    func answer(_ questions: Questions) throws -> [[UInt8]] {
        rounds.append(questions)
        return try questions.prompts.map { _ in
            guard !answers.isEmpty else { throw Gone() }
            return Array(answers.removeFirst().utf8)
        }
    }
}

@Suite("A conversation with PAM")
struct PAMTransactionTests {
    private static let anyAccount = "account required pam_permit.so"

    @Test("lets in who gives the right password, and says for the log why not")
    func password() throws {
        let stack = try Stack(["auth required MATRIX", Self.anyAccount])
        let right = Person("right")
        #expect(stack.transaction().run(asking: right.answer) == nil)
        #expect(right.rounds.count == 1)
        #expect(right.rounds[0].prompts.map(\.isEchoed) == [false])
        for wrong in ["wrong", "", "right "] {
            #expect(stack.transaction().run(asking: Person(wrong).answer) != nil)
        }
        #expect(stack.transaction(of: "mallory").run(asking: Person("right").answer) != nil)
    }

    @Test("carries several questions, and what is said, in their order")
    func questions() throws {
        let stack = try Stack([
            "auth optional pam_echo.so First", "auth required MATRIX", "auth optional pam_echo.so Second",
            "auth required MATRIX", "account optional pam_echo.so Last", Self.anyAccount,
        ])
        let person = Person("right", "right")
        #expect(stack.transaction().run(asking: person.answer) == nil)
        let said = person.rounds.map(\.instruction).map { $0.split(separator: "\n").map(String.init) }
        #expect(said == [["First"], ["Second"], ["Last"]])
        #expect(person.rounds.map(\.prompts.count) == [1, 1, 0])
    }

    @Test("has an expired password changed, where somebody can be asked")
    func expired() throws {
        let stack = try Stack([
            "auth required MATRIX", "account required pam_debug.so acct=new_authtok_reqd",
            "password required MATRIX",
        ])
        let refused = Person("right")
        #expect(stack.transaction(mayChangePassword: false).run(asking: refused.answer) != nil)
        // Modules may say something; nothing more is asked.
        #expect(refused.rounds.filter { !$0.prompts.isEmpty }.count == 1)
        let different = Person("right", "right", "new", "other")
        #expect(stack.transaction().run(asking: different.answer) != nil)
        let person = Person("right", "right", "new", "new")
        #expect(stack.transaction().run(asking: person.answer) == nil)
        #expect(stack.transaction().run(asking: Person("new", "new", "newer", "newer").answer) == nil)
    }

    @Test("asks the account's modules, also where a password's module speaks of its end")
    func expiredAtOnce() throws {
        let stack = try Stack([
            "auth required pam_debug.so auth=new_authtok_reqd",
            "account required pam_debug.so acct=acct_expired",
            "password required pam_permit.so",
        ])
        #expect(stack.transaction().run(asking: Person("right").answer) != nil)
    }

    @Test("refuses a good password of a bad account")
    func account() throws {
        let stack = try Stack(["auth required MATRIX", "account required pam_debug.so acct=acct_expired"])
        #expect(stack.transaction().run(asking: Person("right").answer) != nil)
    }

    @Test("ends when the person goes, or says what is no answer")
    func gone() throws {
        let stack = try Stack(["auth required MATRIX", Self.anyAccount])
        let gone = Person()
        #expect(stack.transaction().run(asking: gone.answer) != nil)
        #expect(gone.rounds.count == 1)
        let long = String(repeating: "x", count: 512)
        for answers in [[[]], [[0x72, 0]], [Array(long.utf8)], []] as [[[UInt8]]] {
            #expect(stack.transaction().run { _ in answers } != nil)
        }
        #expect(stack.transaction().run { _ in [Array("right".utf8), []] } != nil)
    }

    @Test("shows no control characters of modules")
    func control() throws {
        let stack = try Stack(["auth required MATRIX", "account required pam_permit.so"])
        let file = try Descriptor.open(stack.folder.path + "/words", O_CREAT | O_WRONLY, mode: 0o600)
        try file.writeAll(Array("a\u{1B}[2Jb\u{9B}c\u{7F}\n".utf8))
        let lines = "auth optional pam_echo.so file=\(stack.folder.path)/words\nauth required pam_permit.so\n"
        let other = try Descriptor.open(stack.folder.path + "/said", O_CREAT | O_WRONLY, mode: 0o600)
        try other.writeAll(Array((lines + Self.anyAccount + "\n").utf8))
        let person = Person()
        let start = PAMMessage.Start(
            service: "said", folder: stack.folder.path, user: "alice", address: "", mayChangePassword: false)
        #expect(PAMTransaction(start).run(asking: person.answer) == nil)
        let said = person.rounds.map(\.instruction).joined()
        #expect(said.hasPrefix("a[2Jb"))
        #expect(
            said.unicodeScalars.allSatisfy {
                $0 == "\n" || ($0.value >= 32 && !(127...159).contains($0.value))
            })
    }

    @Test("does not start without a stack")
    func noStack() {
        let start = PAMMessage.Start(
            service: "absent", folder: "/nonexistent", user: "alice", address: "", mayChangePassword: false)
        #expect(PAMTransaction(start).run(asking: Person("right").answer) != nil)
    }
}
