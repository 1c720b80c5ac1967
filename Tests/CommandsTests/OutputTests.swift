import Commands
import Support
import Testing

@Suite("Output")
struct OutputTests {
    @Test("a table has two spaces between columns, nothing at the end of a line, and no control characters")
    func table() {
        var table = Table("NAME", "UID", "FULL NAME")
        table.add("alice", "20000", "Alice A")
        table.add("b", "", "x\u{1B}[2J")
        #expect(
            table.text == """
                NAME   UID    FULL NAME
                alice  20000  Alice A
                b      -      x\\u{1B}[2J

                """)
    }

    @Test("JSON has sorted keys, the schema and escapes")
    func json() {
        let document = JSON.document([
            "z": .array([.number(-1), .null, .boolean(true)]), "a": .string("\u{1}\"\\\n\u{7F}é"),
            "t": .time(Timestamp(milliseconds: 0)), "e": .array([]),
        ])
        #expect(
            document.line
                == #"{"a": "\u0001\"\\\n\u007fé", "e": [], "schema": 1, "t": "1970-01-01T00:00:00Z", "z": [-1, null, true]}"#
        )
        #expect(
            JSON.document(["a": .array([.number(1)])]).pretty
                == "{\n  \"a\": [\n    1\n  ],\n  \"schema\": 1\n}\n")
    }

    @Test("an error is one line, and a hint another")
    func report() {
        let report = ErrorReport(for: CommandError(.notFound, "there is no\nsuch thing", hint: "look"))
        #expect(report.code == .notFound)
        #expect(
            report.text(what: "user show")
                == "gatehouse: user show: there is no\\nsuch thing\nhint: look\n")
        #expect(ErrorReport(for: UsageError("no"), in: "user add").hint == "see 'gatehouse help user add'")
        #expect(ErrorReport(for: SystemError("open x", number: 13)).code == .refused)
    }
}
