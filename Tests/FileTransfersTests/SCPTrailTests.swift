import Digests
import FileTransfers
import Testing

@Suite("The old scp from beside")
struct SCPTrailTests {
    private func trail(_ command: String, digests: Bool = true) throws -> SCPTrail {
        SCPTrail(try #require(SCPCommand(Array(command.utf8))), wantsDigests: digests)
    }

    /// Takes what both ends say in turn: lines that begin with `<` come from the host.
    private func follow(_ trail: SCPTrail, _ turns: [String], pieces: Int = .max) -> [FileOperation] {
        var operations: [FileOperation] = []
        for turn in turns {
            var rest = Array(turn.utf8.dropFirst())[...]
            while !rest.isEmpty {
                operations += trail.take(rest.prefix(pieces), from: turn.hasPrefix("<") ? .host : .client)
                rest = rest.dropFirst(pieces)
            }
        }
        return operations
    }

    private func operation(
        _ kind: FileOperation.Kind, _ path: String, _ other: String, _ result: String = "ok",
        mode: String = "0644"
    ) -> FileOperation {
        var operation = FileOperation(kind, path: Array(path.utf8), result: result)
        operation.other = Array(other.utf8)
        operation.attributes = mode.isEmpty ? "" : "mode=\(mode)"
        return operation
    }

    @Test(
        "only scp's own commands are followed",
        arguments: [
            ("scp -t /x", true), ("scp -r -p -d -f -- a b", true), ("scp -pt x", true), ("scp -v x", false),
            ("scp", false), ("scp -t", false), ("scpx -t x", false), ("/usr/bin/scp -t x", false),
            ("", false),
            ("rsync --server -t x", false),
            ("scp -oBatchMode=yes a b:c", false), ("scp -i identity -t x", false),
        ])
    func commands(_ command: String, _ isOne: Bool) {
        #expect((SCPCommand(Array(command.utf8)) != nil) == isOne)
    }

    @Test("folders and files that are sent to the host", arguments: [1, 4, .max])
    func upload(pieces: Int) throws {
        let trail = try trail("scp -r -p -t /shared")
        let operations = follow(
            trail,
            [
                "<\0", ">T1 0 2 0\n", "<\0", ">D0755 0 d\n", "<\0", ">C0644 5 a b\n", "<\0", ">hello", ">\0",
                "<\0",
                ">C0600 3 no\n", "<\u{1}scp: d/no: Permission denied\n", ">C0644 0 empty\n", "<\0", ">\0",
                "<\0",
                ">E\n", "<\0", ">C0644 2 last\n", "<\0", ">ab\0", "<\u{1}scp: disk full\n",
            ], pieces: pieces)
        var first = operation(.write, "/shared", "d/a b")
        first.bytesWritten = 5
        first.digest = SHA256.hash(Array("hello".utf8))
        var empty = operation(.write, "/shared", "d/empty")
        empty.digest = SHA256.hash([])
        var last = operation(.write, "/shared", "last", "scp: disk full")
        last.bytesWritten = 2
        last.digest = SHA256.hash(Array("ab".utf8))
        #expect(
            operations == [
                first, operation(.write, "/shared", "d/no", "scp: d/no: Permission denied", mode: "0600"),
                empty, last,
            ])
        #expect(trail.trouble == nil && trail.end() == [])
    }

    @Test("files that the host sends, and those that it does not have", arguments: [1, .max])
    func download(pieces: Int) throws {
        let trail = try trail("scp -f x*", digests: false)
        let operations = follow(
            trail,
            [
                ">\0", "<C0644 3 x1\n", ">\0", "<abc\0", ">\0", "<\u{1}scp: x2: No\u{7} such file\n",
                "<C0644 9 x3\n", ">\0", "<abc",
            ],
            pieces: pieces)
        var first = operation(.read, "x*", "x1")
        first.bytesRead = 3
        #expect(operations == [first, operation(.read, "x*", "", "scp: x2: No\\u{07} such file", mode: "")])
        var cut = operation(.read, "x*", "x3", FileOperation.cut)
        cut.bytesRead = 3
        #expect(trail.end() == [cut])
    }

    @Test(
        "what is not this protocol ends the trail",
        arguments: [
            ([">C0644 5 a\n"], "the client sent something before it was answered"),
            (["<x"], "the host sent an answer that scp does not have"),
            (["<\0", ">ls\n"], "the client sent a line that scp does not have"),
            (["<\0", ">E\n"], "the client sent the end of a folder that did not begin"),
            (["<\0", ">C0644 -1 a\n"], "the client sent a mode or a size that is none"),
            (["<\0", ">C0644 1\n"], "the client sent a line without mode, size and name"),
            (["<\0", "<\0"], "the host sent an answer to nothing"),
            (
                ["<\0", ">C" + String(repeating: "a", count: 9_000)],
                "the client sent a line that is too long"
            ),
        ])
    func trouble(_ turns: [String], _ sentence: String) throws {
        let trail = try trail("scp -t x")
        #expect(follow(trail, turns) == [])
        #expect(trail.trouble == sentence)
        #expect(trail.end() == [])
    }
}
