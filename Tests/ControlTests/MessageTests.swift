import Authorization
import Control
import FileTransfers
import Support
import Testing

/// One of every message, with empty and full fields.
private enum Samples {
    static let requests: [SessionRequest] =
        [
            .hello, .probeKey(login: "alice+gpu1", key: [1, 2, 3]), .probeKey(login: "", key: []),
            .verifiedKey(login: "alice", key: [9], clientVersion: "OpenSSH_9.2"),
            .refusedMethod(login: "alice", method: "password"), .connect(publicKey: [1]), .hostReady,
            .jump(host: "gpu1", port: 22), .command,
            .journalGrew, .deliver, .watcherProgram,
            .interactive(login: "alice", clientVersion: "OpenSSH_9.2"),
            .password(login: "alice", password: [0x70, 0xFF], clientVersion: "dropbear"), .answers([]),
            .answers([[1, 2], [], [UInt8](repeating: 7, count: Questions.answerLimit)]),
            .record(RecordingRequest(kind: "exec", command: "id")),
            .record(
                RecordingRequest(
                    kind: "shell", command: "", terminal: "xterm", hasTerminal: true, columns: 80, rows: 24)),
        ] + HostFailure.allCases.map { .hostFailed($0, detail: "why") }

    static let settings = ConnectionSettings(
        session: "01ARZ3NDEKTSV4RRFFQ69G5FAV", hostKeys: ["one", "two"], loginGraceSeconds: 30,
        maximumAttempts: 6, maximumChannels: 1_000, rekeyBytes: 1 << 40, connectTimeoutSeconds: 5,
        banner: "Welcome\n", logLevel: 6, methods: ["keyboard-interactive", "password"])

    static func grant(_ target: SessionGrant.Target) -> SessionReply {
        .accepted(
            SessionGrant(
                user: "alice", target: target,
                permissions: Permissions(
                    programs: .files, terminal: true, forwarding: PortSet([22...22, 6_006...6_010]),
                    remoteForwarding: true, agent: false, record: true),
                acceptedEnvironment: ["LANG", "LC_*"], guardedPorts: [22, 65_535],
                recording: RecordingDemand(terminals: true, input: true), wantsFileDigests: true))
    }

    static let replies: [SessionReply] = [
        .settings(settings), .keyAcceptable, grant(.gate), grant(.host), grant(.none(reason: "no host")),
        grant(.book),
        .rejected, .disconnect(reason: "later"),
        .host(
            HostConnection(host: "h", user: "u", hostKeys: [], certificate: [], remark: "elsewhere now")),
        .host(HostConnection(host: "gpu1", user: "alice", hostKeys: [[1], [], [2, 3]], certificate: [4])),
        .joined(place: "communal1:22 as communal:22"), .notAJump, .commandStarted, .refused(reason: "no"),
        .noted, .elsewhere,
        .preparing(host: "gpu1"), .deliveryStarted, .partiallyAccepted(methods: ["keyboard-interactive"]),
        .questions(Questions(prompts: [])),
        .questions(
            Questions(
                instruction: "again",
                prompts: [.init("Name: ", isEchoed: true), .init("Code: ", isEchoed: false)])),
        .waking(host: "gpu1", state: "pending", seconds: 12), .recording,
    ]

    static let commands: [CommandMessage] = [
        .start(words: ["user", "list"], interactive: true, columns: 80),
        .start(words: [], interactive: false, columns: 0), .output([1]), .output([]), .error([2]), .exit(77),
        .wantInput(limit: 9), .wantFile(path: "/a", limit: .max), .ask(question: "Sure?"), .input([1, 2]),
        .inputFailed(reason: "gone"), .wantKeys, .keys([0x1B, 0x5B, 0x43]),
    ]

    static let records: [JournalRecord] = [
        .channelOpened(kind: "session", detail: ""), .refused(what: "x11", reason: "not carried"),
        .traffic(fromClient: .max, toClient: 0), .programEnded(kind: "exec", status: -1, signal: nil),
        .programEnded(kind: "shell", status: nil, signal: "KILL"),
        .programEnded(kind: "shell", status: nil, signal: nil), .ended(reason: "the client left"),
        .channelClosed(kind: "jump", detail: "gpu1:22", fromClient: 1, toClient: .max, milliseconds: 2),
        .fileOperation(FileOperation(.remove, path: [0x2F, 0xFF], result: "no such file")),
        .fileOperation(fullOperation), .filesUnfollowed(reason: "the client sent a message of type 99"),
    ]

    private static var fullOperation: FileOperation {
        var operation = FileOperation(.write, path: Array("/a".utf8), result: FileOperation.ok)
        operation.other = [0, 1]
        operation.bytesRead = .max
        operation.bytesWritten = 7
        operation.attributes = "mode=0644"
        operation.digest = [UInt8](repeating: 3, count: 32)
        return operation
    }
}

@Suite("Messages between processes")
struct MessageTests {
    @Test("a password or a code is in no request any more that was cleared")
    func clearing() {
        for secret in [
            SessionRequest.password(login: "alice", password: [1, 2], clientVersion: "a"),
            .answers([[1], [2]]),
        ] {
            var request = secret
            request.clearSecrets()
            #expect(request == .answers([]))
        }
        var other = SessionRequest.jump(host: "gpu1", port: 22)
        other.clearSecrets()
        #expect(other == .jump(host: "gpu1", port: 22))
    }

    @Test("more answers than any question could have, or longer ones, are no request")
    func answers() {
        let many = [[UInt8]](repeating: [], count: Questions.countLimit + 1)
        let long = [[UInt8](repeating: 0, count: Questions.answerLimit + 1)]
        for answers in [many, long] {
            #expect(throws: WireError.self) {
                try SessionRequest(decoding: SessionRequest.answers(answers).encoded)
            }
        }
    }

    @Test("a recording is of a program with a name of bounded length")
    func recordings() throws {
        let long = String(repeating: "\u{1}", count: RecordingRequest.textLimit)
        let longest = SessionRequest.record(RecordingRequest(kind: "exec", command: long, terminal: long))
        #expect(try SessionRequest(decoding: longest.encoded) == longest)
        for wrong in [
            RecordingRequest(kind: "exec", command: long + "x"),
            RecordingRequest(kind: "shell", command: "", terminal: long + "x"),
            RecordingRequest(kind: "nothing", command: ""),
        ] {
            #expect(throws: WireError.self) {
                try SessionRequest(decoding: SessionRequest.record(wrong).encoded)
            }
        }
    }

    @Test("every request is read back", arguments: Samples.requests)
    func requests(_ request: SessionRequest) throws {
        #expect(try SessionRequest(decoding: request.encoded) == request)
        try expectStrict(request.encoded) { try SessionRequest(decoding: $0).encoded }
    }

    @Test("every reply is read back", arguments: Samples.replies)
    func replies(_ reply: SessionReply) throws {
        #expect(try SessionReply(decoding: reply.encoded) == reply)
        try expectStrict(reply.encoded) { try SessionReply(decoding: $0).encoded }
    }

    @Test("every message of a command is read back", arguments: Samples.commands)
    func commands(_ message: CommandMessage) throws {
        #expect(try CommandMessage(decoding: message.encoded) == message)
        try expectStrict(message.encoded) { try CommandMessage(decoding: $0).encoded }
    }

    @Test("no type but the known ones is read", arguments: UInt8.min...UInt8.max)
    func types(_ type: UInt8) {
        if type == 0 || type > 16 {
            #expect(throws: WireError.self) { try SessionRequest(decoding: [type]) }
        }
        if type == 0 || type > 18 {
            #expect(throws: WireError.self) { try SessionReply(decoding: [type]) }
        }
        if type == 0 || type > 11 {
            #expect(throws: WireError.self) { try CommandMessage(decoding: [type]) }
        }
    }

    @Test("host failures, targets and lists out of bounds are refused")
    func bounds() {
        #expect(throws: WireError.self) { try SessionRequest(decoding: [6, 0, 0, 0, 0, 0]) }
        #expect(throws: WireError.self) { try SessionRequest(decoding: [6, 6, 0, 0, 0, 0]) }
        let words = [String](repeating: "", count: 4_097)
        let start = CommandMessage.start(words: words, interactive: false, columns: 0)
        #expect(throws: WireError.self) { try CommandMessage(decoding: start.encoded) }
        #expect(throws: WireError.self) { try SessionReply(decoding: [3, 0, 0, 0, 0, 9]) }
        var settings = Samples.settings
        settings.hostKeys = [String](repeating: "", count: 9)
        #expect(throws: WireError.self) {
            try SessionReply(decoding: SessionReply.settings(settings).encoded)
        }
        let keys = [[UInt8]](repeating: [], count: 17)
        let host = HostConnection(host: "", user: "", hostKeys: keys, certificate: [])
        #expect(throws: WireError.self) { try SessionReply(decoding: SessionReply.host(host).encoded) }
    }

    /// Checks that no shorter and no longer form of a message is read, and that changed bytes and random ones never crash.
    private func expectStrict(_ message: [UInt8], _ again: ([UInt8]) throws -> [UInt8]) throws {
        for length in message.indices {
            #expect(throws: WireError.self) { try again(Array(message.prefix(length))) }
        }
        #expect(throws: WireError.self) { try again(message + [0]) }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var changed = message
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            // A change of a text or a number is another message; booleans have one form when written.
            if let written = try? again(changed) { #expect(written.count == changed.count) }
            var random = [message[0]]
            for _ in 0..<Int.random(in: 0...60, using: &generator) {
                random.append(.random(in: 0...(Bool.random(using: &generator) ? 255 : 2), using: &generator))
            }
            _ = try? again(random)
        }
    }
}

@Suite("Journal")
struct JournalTests {
    private let time = Timestamp(milliseconds: 1_790_000_000_123)

    @Test("every record is read back with its time", arguments: Samples.records)
    func roundTrip(_ record: JournalRecord) throws {
        let bytes = record.encoded(at: time)
        let read = try JournalRecord.decode(bytes)
        #expect(read.consumed == bytes.count)
        #expect(read.records.map(\.record) == [record])
        #expect(read.records.map(\.time) == [time])
    }

    @Test("a journal that ends within a record gives the ones before")
    func partial() throws {
        let parts = Samples.records.map { $0.encoded(at: time) }
        let all = Array(parts.joined())
        for length in 0...all.count {
            let read = try JournalRecord.decode(Array(all.prefix(length)))
            var whole = 0
            var end = 0
            while whole < parts.count, end + parts[whole].count <= length {
                end += parts[whole].count
                whole += 1
            }
            #expect(read.records.map(\.record) == Array(Samples.records.prefix(whole)))
            #expect(read.consumed == end)
        }
    }

    @Test("texts are cut, also within a character, so that the record stays below its limit")
    func cuts() throws {
        let long = String(repeating: "€", count: 10_000)
        let bytes = JournalRecord.channelOpened(kind: long, detail: long).encoded(at: time)
        #expect(bytes.count <= JournalRecord.lengthLimit + 4)
        #expect(try JournalRecord.decode(bytes).records.count == 1)

        var longest = FileOperation(.rename, path: Array(long.utf8), result: long)
        longest.other = Array(long.utf8)
        longest.attributes = long
        longest.digest = [UInt8](repeating: 3, count: 32)
        let record = JournalRecord.fileOperation(longest).encoded(at: time)
        #expect(record.count <= JournalRecord.lengthLimit + 4)
        #expect(try JournalRecord.decode(record).records.count == 1)
        #expect(longest.shortened.path.count == 512 && longest.shortened.other.count == 512)
        longest.result = FileOperation.ok
        #expect(longest.shortened == longest)
        longest.digest = [1]
        #expect(throws: WireError.self) {
            try JournalRecord.decode(JournalRecord.fileOperation(longest).encoded(at: time))
        }
    }

    @Test("records that cannot be are refused")
    func refuses() {
        func body(_ bytes: [UInt8]) -> [UInt8] {
            var out = WireWriter()
            out.data(bytes)
            return out.bytes
        }
        let zero = [UInt8](repeating: 0, count: 8)
        for bad in [
            [0, 0, 0x40, 1], body([]), body(zero), body(zero + [0]), body(zero + [6]), body(zero + [5]),
            body(zero + [5, 0, 0, 0, 0, 9]), body(zero + [5, 0, 0, 0, 1, 0xFF]),
            body([0xFF, 0, 0, 0, 0, 0, 0, 0] + [5, 0, 0, 0, 0]),
        ] {
            #expect(throws: WireError.self) { try JournalRecord.decode(bad) }
        }
    }

    @Test("times out of range are written as the nearest that can be read")
    func times() throws {
        for milliseconds in [Int64.min, -1, 0, .max] {
            let bytes = JournalRecord.ended(reason: "").encoded(at: Timestamp(milliseconds: milliseconds))
            let read = try #require(try JournalRecord.decode(bytes).records.first)
            #expect(
                read.time.description == (milliseconds > 0 ? "9999-12-31T23:59:59Z" : "1970-01-01T00:00:00Z"))
        }
    }

    @Test("random bytes never crash")
    func random() {
        var generator = SystemRandomNumberGenerator()
        let all = Array(Samples.records.map { $0.encoded(at: time) }.joined())
        for _ in 0..<5_000 {
            var changed = all
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            if let read = try? JournalRecord.decode(changed) { #expect(read.consumed <= changed.count) }
        }
    }
}
