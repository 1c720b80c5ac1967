/// Makes text of a stream of bytes that comes in pieces: a character that is split over two pieces stays whole.
///
/// What is no UTF-8 becomes U+FFFD, one for each maximal part of a character, as the Unicode standard recommends (and as Swift and browsers do).
package struct UTF8Repair: Sendable {
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// The beginning of a character, three bytes at the most.
    private var pending: [UInt8] = []

    package init() {}

    /// Whether the stream so far ends within a character.
    package var isWithinCharacter: Bool { !pending.isEmpty }

    /// Appends what is complete now, as the inside of a JSON string.
    package mutating func append(_ piece: ArraySlice<UInt8>, asJSONTo out: inout [UInt8]) {
        let bytes = pending.isEmpty ? piece : (pending + piece)[...]
        pending = []
        let end = bytes.endIndex
        var index = bytes.startIndex
        var plain = index
        while index < end {
            let byte = bytes[index]
            if byte >= 0x20, byte < 0x7F, byte != 0x22, byte != 0x5C {
                index += 1
                continue
            }
            if plain < index { out += bytes[plain..<index] }
            switch Self.character(at: index, in: bytes) {
            case .complete(let count):
                if count == 1 { Self.escape(byte, to: &out) } else { out += bytes[index..<index + count] }
                index += count
            case .broken(let count):
                out += Self.replacement
                index += count
            case .unfinished:
                pending = Array(bytes[index...])
                return
            }
            plain = index
        }
        if plain < end { out += bytes[plain..<end] }
    }

    /// Appends the replacement for a character that will not be completed.
    package mutating func finish(asJSONTo out: inout [UInt8]) {
        if !pending.isEmpty { out += Self.replacement }
        pending = []
    }

    private enum Character {
        case complete(Int)
        case broken(Int)
        case unfinished
    }

    /// What begins at `start`: table 3-7 of the Unicode standard.
    private static func character(at start: Int, in bytes: ArraySlice<UInt8>) -> Character {
        let first = bytes[start]
        let count: Int
        var allowed: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0..<0x80: return .complete(1)
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, allowed) = (3, 0xA0...0xBF)
        case 0xED: (count, allowed) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, allowed) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, allowed) = (4, 0x80...0x8F)
        default: return .broken(1)
        }
        for offset in 1..<count {
            guard start + offset < bytes.endIndex else { return .unfinished }
            guard allowed.contains(bytes[start + offset]) else { return .broken(offset) }
            allowed = 0x80...0xBF
        }
        return .complete(count)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func escape(_ byte: UInt8, to out: inout [UInt8]) {
        switch byte {
        case 0x22, 0x5C: out += [0x5C, byte]
        case 0x0A: out += [0x5C, 0x6E]
        case 0x0D: out += [0x5C, 0x72]
        case 0x09: out += [0x5C, 0x74]
        default: out += [0x5C, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
