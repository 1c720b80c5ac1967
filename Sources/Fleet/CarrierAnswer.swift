internal import AWS
package import Accounts
internal import Support

/// What a host hands back by way of Run Command, piece by piece.
package struct CarrierAnswer: Sendable {
    package enum Progress: Equatable, Sendable {
        case complete(ExecutionResult)
        /// So many packed bytes are here; the next piece begins there.
        case incomplete(from: Int)
        /// The host says in a sentence that it could not do it.
        case trouble(String)
        /// This is no answer, or not a whole one.
        case damaged(String)
    }

    private struct Header: Equatable {
        let packedCount: Int
        let count: Int
        let digest: Substring
    }

    private var header: Header?
    private var packed: [UInt8] = []

    package init() {}

    /// Takes in what a script of the parcel wrote; it may be cut anywhere.
    package mutating func take(_ output: String) -> Progress {
        let lines = output.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        let first = lines.first ?? ""
        if first.hasPrefix("gatehouse-trouble ") {
            return .trouble(
                String(first.dropFirst(18).unicodeScalars.prefix(500).map(Character.init)).printable)
        }
        guard let own = Self.header(first), header == nil || header == own else {
            return .damaged(output.isEmpty ? "the host answered nothing" : "the host's answer is damaged")
        }
        header = own
        // A cut may leave other characters behind it; of four that belong together some may be missing.
        let text = lines.count > 1 ? lines[1].utf8.prefix(while: Self.isBase64) : "".utf8.prefix(0)
        let whole = text.prefix(text.count / 4 * 4)
        packed += Base64.decode(String(decoding: whole, as: UTF8.self)) ?? []
        if packed.count < own.packedCount { return .incomplete(from: packed.count) }
        return Self.result(packed, own)
    }

    /// `gatehouse-answer PACKED SIZE SHA256`.
    private static func header(_ line: Substring) -> Header? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "gatehouse-answer", let packedCount = Int(words[1]),
            let count = Int(words[2]), words[3].utf8.count == 64,
            (1...AccountReport.sizeLimit).contains(packedCount),
            (1...AccountReport.sizeLimit).contains(count)
        else { return nil }
        return Header(packedCount: packedCount, count: count, digest: words[3])
    }

    private static func result(_ packed: [UInt8], _ header: Header) -> Progress {
        guard packed.count == header.packedCount, let digest = try? Digest.sha256(packed),
            Hexadecimal.encode(digest) == header.digest,
            let answer = Zlib.unpacked(packed, size: header.count),
            let end = answer.firstIndex(of: UInt8(ascii: "\n"))
        else { return .damaged("the host's answer does not have the hash that it names") }
        let words = String(decoding: answer[..<end], as: UTF8.self).split(separator: " ")
        let rest = answer[(end + 1)...]
        guard words.count == 2, let status = Int32(words[0]), let size = Int(words[1]), size >= 0,
            size <= rest.count
        else { return .damaged("the host's answer is damaged") }
        return .complete(
            ExecutionResult(
                status: status, output: Array(rest.prefix(size)), errorOutput: Array(rest.dropFirst(size))))
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
