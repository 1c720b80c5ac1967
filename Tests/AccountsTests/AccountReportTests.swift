import Accounts
import Glibc
import Support
import Testing

@Suite("the report of a host")
struct AccountReportTests {
    private static func report(
        schema: String = "1", users: String = "", groups: String = "", errors: String = ""
    ) -> String {
        """
        {"schema": \(schema), "changed": true, "users": [\(users)], "groups": [\(groups)],
         "sshd": {"changed": true, "reloaded": false}, "errors": [\(errors)]}
        """
    }

    private static func parse(_ text: String, status: Int32 = 10) throws(AccountError) -> AccountReport {
        try AccountReport(output: Array(text.utf8), status: status)
    }

    @Test("is what the step wrote")
    func read() throws {
        let report = try Self.parse(
            Self.report(
                users: #"{"name": "alice", "result": "created", "reason": "account, home"}"#,
                groups: #"{"name": "lab", "result": "conflict", "reason": "gid-taken: by x"}"#), status: 20)
        #expect(
            report
                == AccountReport(
                    changed: true,
                    users: [.init(name: "alice", result: .created, reason: "account, home")],
                    groups: [.init(name: "lab", result: .conflict, reason: "gid-taken: by x")],
                    sshdChanged: true, sshdReloaded: false))
        #expect(report.conflicts.map(\.name) == ["lab"])
    }

    @Test(
        "is refused when it is not one",
        arguments: [
            "", "null", "[]", "{}", "garbage", "\u{0}", #"{"schema": 1}"#, report(schema: "2"),
            report(schema: #""1""#), report(schema: "1e400"), report(users: "7"), report(users: "null"),
            report(users: #"{"name": "alice", "result": "owned", "reason": ""}"#),
            report(users: #"{"name": 1, "result": "created", "reason": ""}"#),
            report(errors: "{}"), String(repeating: "[", count: 200_000),
            String(repeating: #"{"a":"#, count: 200_000), report() + report(),
        ])
    func malformed(_ text: String) {
        let error = #expect(throws: AccountError.self) { try Self.parse(text) }
        #expect(error?.code == .badReport)
    }

    @Test("is refused when it is not UTF-8, too large or too long")
    func limits() {
        let inputs: [[UInt8]] = [
            [0xFF, 0xFE], Array(repeating: 0x20, count: AccountReport.sizeLimit + 1),
            Array(
                Self.report(
                    users: Array(
                        repeating: #"{"name":"a","result":"created","reason":""}"#, count: 100_001
                    ).joined(separator: ",")
                ).utf8),
        ]
        for input in inputs {
            #expect(throws: AccountError.self) { try AccountReport(output: input, status: 0) }
        }
    }

    @Test("cannot move the cursor of who reads it, nor fill the screen")
    func printable() throws {
        let long = String(repeating: "x", count: 100_000)
        let report = try Self.parse(
            Self.report(
                users: """
                    {"name": "\\u001b[2Jalice", "result": "created", "reason": "\\u202e\\n\(long)"}
                    """))
        let entry = try #require(report.users.first)
        #expect(!entry.name.contains("\u{1B}") && entry.name.hasSuffix("[2Jalice"))
        #expect(!entry.reason.contains("\n") && !entry.reason.unicodeScalars.contains("\u{202E}"))
        #expect(entry.reason.unicodeScalars.count <= 1_000)
    }

    @Test(
        "with an error is thrown with the code of the exit status",
        arguments: [
            30: AccountError.Code.busy, 40: .refused, 50: .failed, 0: .failed, 137: .failed,
        ] as [Int32: AccountError.Code])
    func errors(status: Int32, code: AccountError.Code) {
        #expect(throws: AccountError(code, "no \\u{1B} room")) {
            try Self.parse(Self.report(errors: #""no \u001b room", "second""#), status: status)
        }
    }

    @Test("must fit the exit status", arguments: [1, 30, 40, 50, 137, 255])
    func status(_ status: Int32) {
        let error = #expect(throws: AccountError.self) { try Self.parse(Self.report(), status: status) }
        #expect(error?.code == .badReport)
    }

    @Test("is read on the small stack of a thread, however deep it is")
    func depth() throws {
        let done = Locked(false)
        try Thread.start("report") {
            for opening in ["[", #"{"a":"#, #"{"users":[[["#] {
                let output = Array(String(repeating: opening, count: 100_000).utf8)
                _ = try? AccountReport(output: output, status: 0)
            }
            done.withLock { $0 = true }
        }
        let deadline = MonotonicTime.now + .seconds(30)
        while !done.withLock({ $0 }), MonotonicTime.now < deadline { usleep(1_000) }
        #expect(done.withLock { $0 })
    }
}
