import Authentication
import Directory
import OneTimeCodes
import Support
import TestSupport
import Testing

@Suite("A one-time code")
struct CodeTests {
    private static let start = Timestamp(milliseconds: 1_790_000_000_000)

    private func text(_ code: [UInt8]) -> String { String(decoding: code, as: UTF8.self) }

    /// RFC 6238, appendix B: the last six of its eight digits.
    @Test(
        "is that of the RFC",
        arguments: [
            (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
            (2_000_000_000, "279037"), (20_000_000_000, "353130"),
        ] as [(Int64, String)])
    func vectors(_ seconds: Int64, _ code: String) throws {
        let secret = try CodeSecret(bytes: Array("12345678901234567890".utf8))
        let time = Timestamp(milliseconds: seconds * 1_000)
        #expect(text(try secret.code(ofStep: CodeSecret.step(at: time))) == code)
        #expect(try secret.step(ofCode: Array(code.utf8), at: time) == CodeSecret.step(at: time))
    }

    @Test("will do one period early or late, and no more", arguments: -3...3)
    func window(_ offset: Int64) throws {
        let secret = try CodeSecret()
        let now = CodeSecret.step(at: Self.start)
        let code = try secret.code(ofStep: now + offset)
        let found = try secret.step(ofCode: code, at: Self.start)
        // One in a million codes is that of another period as well.
        #expect(found == (abs(offset) <= 1 ? now + offset : nil) || abs(offset) > 1 && found != now + offset)
    }

    @Test("is nothing else", arguments: ["", "12345", "1234567", "abcdef", "００００００", "-12345", "\u{0}12345"])
    func wrong(_ answer: String) throws {
        #expect(try CodeSecret().step(ofCode: Array(answer.utf8), at: Self.start) == nil)
    }

    @Test("comes from a secret that authenticators read")
    func uri() throws {
        let secret = try CodeSecret(bytes: Array("12345678901234567890".utf8))
        #expect(secret.base32 == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        #expect(
            secret.uri(account: "alice&secret=A@h", issuer: "Gate house")
                == "otpauth://totp/Gatehouse:alicesecretAh"
                + "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Gatehouse&algorithm=SHA1&digits=6&period=30"
        )
    }

    @Test("a QR code has its three marks, and a margin in its text")
    func qrCode() throws {
        let code = try QRCode(of: "otpauth://totp/Gatehouse:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        for (row, column) in [(0, 0), (0, code.width - 7), (code.width - 7, 0)] {
            for step in 0..<7 {
                #expect(code.isDark(row: row, column: column + step))
                #expect(code.isDark(row: row + step, column: column))
                if (1...5).contains(step) { #expect(!code.isDark(row: row + 1, column: column + step)) }
            }
        }
        let lines = code.text.split(separator: "\n")
        #expect(lines.count == (code.width + 9) / 2)
        #expect(lines.allSatisfy { $0.count(where: { "█▀▄ ".contains($0) }) == code.width + 8 })
        #expect(lines[0].hasSuffix(String(repeating: "█", count: 8) + "\u{1B}[0m"))
    }
}

@Suite("The desk for one-time codes")
struct CodeDeskTests {
    private static let start = Timestamp(milliseconds: 1_790_000_000_000)
    private static let period = Duration.seconds(CodeSecret.period)

    private let folder: TemporaryFolder
    private let directory: DirectoryStore
    private let desk: CodeDesk

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        desk = CodeDesk(
            directory: directory, key: try Self.key(1), guesses: try GuessLedger(path: folder.file))
        _ = try directory.addUser(NewUser("alice"), at: Self.start)
        _ = try directory.addUser(NewUser("bob"), at: Self.start)
    }

    private static func key(_ byte: UInt8) throws -> CodeKey {
        try CodeKey([UInt8](repeating: byte, count: CodeKey.byteCount))
    }

    private func code(_ secret: CodeSecret, at time: Timestamp) throws -> [UInt8] {
        try secret.code(ofStep: CodeSecret.step(at: time))
    }

    /// What became of an answer, whatever it does to the door.
    private func check(
        _ desk: CodeDesk, _ answer: [UInt8], of user: String, at time: Timestamp
    ) throws -> CodeDesk.Verdict {
        switch try desk.check(answer, of: user, from: "192.0.2.1", at: time) {
        case .wrong(let reason, _): return .wrong(reason)
        case let right: return right
        }
    }

    private func enrol(_ user: String = "alice") throws -> (CodeSecret, [String]) {
        let offer = try desk.offer(to: user)
        let answer = try code(offer.secret, at: Self.start)
        return (offer.secret, try #require(try desk.enrol(offer, answer: answer, at: Self.start)))
    }

    @Test("takes each code once, never an older one, also after a restart")
    func once() throws {
        let (secret, _) = try enrol()
        let next = Self.start + Self.period
        // The code of the enrolment is used up.
        #expect(
            try desk.check(code(secret, at: Self.start), of: "alice", from: "192.0.2.1", at: Self.start)
                == .wrong(.spent))
        #expect(try desk.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next) == .code)
        #expect(
            try desk.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next) == .wrong(.spent)
        )
        let again = CodeDesk(
            directory: try DirectoryStore(path: folder.file), key: try Self.key(1),
            guesses: try GuessLedger(path: folder.file))
        #expect(
            try again.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next)
                == .wrong(.spent))
        #expect(
            try check(again, code(secret, at: Self.start), of: "alice", at: next) == .wrong(.spent))
        let later = next + Self.period
        // As authenticators show it.
        var typed = try code(secret, at: later)
        typed.insert(UInt8(ascii: " "), at: 3)
        #expect(try again.check(typed, of: "alice", from: "192.0.2.1", at: later) == .code)
    }

    @Test("of many threads with the same code lets one through")
    func race() throws {
        let (secret, _) = try enrol()
        let next = Self.start + Self.period
        let answer = try code(secret, at: next)
        let taken = Locked(0)
        runInParallel(8) { [desk] _ in
            if (try? desk.check(answer, of: "alice", from: "192.0.2.1", at: next)) == .code {
                taken.withLock { $0 += 1 }
            }
        }
        #expect(taken.withLock { $0 } == 1)
    }

    @Test("takes a recovery code once, however it is written, and no other user's")
    func recovery() throws {
        let (_, codes) = try enrol()
        _ = try enrol("bob")
        #expect(Set(codes).count == 10)
        let written = Array(codes[0].uppercased().replacing("-", with: " ").utf8)
        #expect(try desk.check(written, of: "bob", from: "192.0.2.1", at: Self.start) == .wrong(.noCode))
        #expect(
            try desk.check(written, of: "alice", from: "192.0.2.1", at: Self.start) == .recoveryCode(left: 9))
        #expect(try desk.check(written, of: "alice", from: "192.0.2.1", at: Self.start) == .wrong(.noCode))
        #expect(
            try desk.check(Array(codes[1].utf8), of: "alice", from: "192.0.2.1", at: Self.start)
                == .recoveryCode(left: 8))
    }

    @Test("keeps no secret in the clear, in file or export")
    func hidden() throws {
        let (secret, codes) = try enrol()
        let enrolment = try #require(try directory.codeEnrolment(of: "alice"))
        #expect(!String(decoding: try directory.exportJSON(), as: UTF8.self).contains(secret.base32))
        #expect(enrolment.recoveryHashes.count == codes.count)
        let other = CodeDesk(
            directory: directory, key: try Self.key(2), guesses: try GuessLedger(path: folder.file))
        #expect(throws: CodeError.self) {
            try other.check(code(secret, at: Self.start), of: "alice", from: "192.0.2.1", at: Self.start)
        }
    }

    @Test("does not open what was sealed for another user")
    func moved() throws {
        let (secret, _) = try enrol()
        let enrolment = try #require(try directory.codeEnrolment(of: "alice"))
        try directory.enrolCodes(enrolment, of: "bob", replacing: nil)
        let next = Self.start + Self.period
        #expect(throws: CodeError.self) {
            try desk.check(code(secret, at: next), of: "bob", from: "192.0.2.1", at: next)
        }
    }

    @Test("refuses everybody else in the same way")
    func strangers() throws {
        #expect(
            try desk.check(Array("123456".utf8), of: "alice", from: "192.0.2.1", at: Self.start)
                == .wrong(.notEnrolled))
        #expect(
            try desk.check(Array("123456".utf8), of: "nobody", from: "192.0.2.1", at: Self.start)
                == .wrong(.notEnrolled))
        #expect(try desk.check([], of: "alice", from: "192.0.2.1", at: Self.start) == .wrong(.notEnrolled))
    }

    @Test("looks at no answer that is too long or damaged", arguments: 0..<200)
    func hostile(_ seed: UInt64) throws {
        let (_, codes) = try enrol()
        var generator = SeededGenerator(seed: seed)
        var answer = Array(codes[0].utf8)
        answer[Int.random(in: 0..<answer.count, using: &generator)] = UInt8.random(
            in: 0x80...0xFF, using: &generator)
        #expect(try desk.check(answer, of: "alice", from: "192.0.2.1", at: Self.start) == .wrong(.noCode))
        let long = [UInt8](repeating: UInt8(ascii: " "), count: 100_000) + Array(codes[0].utf8)
        #expect(try desk.check(long, of: "alice", from: "192.0.2.1", at: Self.start) == .wrong(.noCode))
    }

    @Test("enrols nobody who was enrolled since the offer was made")
    func overtaken() throws {
        let early = try desk.offer(to: "alice")
        let (secret, _) = try enrol()
        #expect(throws: DirectoryError.self) {
            try desk.enrol(early, answer: try code(early.secret, at: Self.start), at: Self.start)
        }
        let next = Self.start + Self.period
        #expect(try desk.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next) == .code)
    }

    @Test("looks at no answer, also no right one, where too many were wrong")
    func guesses() throws {
        let (secret, codes) = try enrol()
        var closing: Duration?
        while closing == nil {
            guard
                case .wrong(.noCode, let length) = try desk.check(
                    Array("00".utf8), of: "alice", from: "192.0.2.1", at: Self.start)
            else { break }
            closing = length
        }
        let wait = try #require(closing)
        let tooMany = CodeDesk.Verdict.wrong(.tooMany)
        let right = try code(secret, at: Self.start + Self.period)
        #expect(try desk.check(right, of: "alice", from: "192.0.2.1", at: Self.start) == tooMany)
        let recovery = Array(codes[0].utf8)
        #expect(try desk.check(recovery, of: "alice", from: "192.0.2.1", at: Self.start) == tooMany)
        let later = Self.start + wait + Self.period
        #expect(
            try desk.check(code(secret, at: later), of: "alice", from: "192.0.2.1", at: later) == .code)
    }

    @Test("enrols nobody by a wrong code")
    func unconfirmed() throws {
        let offer = try desk.offer(to: "alice")
        let late = Self.start + .seconds(CodeSecret.period * 5)
        #expect(try desk.enrol(offer, answer: try code(offer.secret, at: Self.start), at: late) == nil)
        #expect(try directory.codeEnrolment(of: "alice") == nil)
    }

    @Test("forgets who leaves; export and import keep the rest, and never what was given before")
    func life() throws {
        let (secret, codes) = try enrol()
        let next = Self.start + Self.period
        let old = try directory.exportJSON()
        #expect(try desk.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next) == .code)
        // What is here stays: an import does not make a code good again.
        try directory.importJSON(old)
        #expect(
            try desk.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next) == .wrong(.spent)
        )
        let copyFolder = try TemporaryFolder()
        let copy = try DirectoryStore(path: copyFolder.file)
        try copy.importJSON(try directory.exportJSON())
        let there = CodeDesk(
            directory: copy, key: try Self.key(1), guesses: try GuessLedger(path: folder.file))
        #expect(
            try there.check(code(secret, at: next), of: "alice", from: "192.0.2.1", at: next)
                == .wrong(.spent))
        #expect(
            try there.check(Array(codes[3].utf8), of: "alice", from: "192.0.2.1", at: next)
                == .recoveryCode(left: 9))
        try directory.leaveUser("alice")
        #expect(try directory.codeEnrolment(of: "alice") == nil)
    }
}
