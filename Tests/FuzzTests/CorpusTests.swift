import Foundation
import FuzzParsers
import Testing

@Suite("What fuzzing has found interesting")
struct CorpusTests {
    /// The inputs of a parser: each after its length of four bytes, the lowest first.
    static func corpus(of parser: FuzzedParser) throws -> [[UInt8]] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.appendingPathComponent("Fuzz/corpus/\(parser.rawValue)")
        var rest = [UInt8](try Data(contentsOf: file))[...]
        var inputs: [[UInt8]] = []
        while rest.count >= 4 {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            inputs.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return inputs
    }

    @Test("does no harm", arguments: FuzzedParser.allCases)
    func replay(_ parser: FuzzedParser) throws {
        let inputs = try Self.corpus(of: parser)
        #expect(inputs.count > 5)
        for input in inputs { parser.read(input) }
    }

    @Test("does none when it is cut", arguments: FuzzedParser.allCases)
    func cut(_ parser: FuzzedParser) throws {
        for input in try Self.corpus(of: parser) {
            for count in stride(from: 0, to: input.count, by: input.count / 8 + 1) {
                parser.read(Array(input[..<count]))
            }
        }
    }
}
