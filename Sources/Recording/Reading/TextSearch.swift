/// Finds a text in a terminal's output, whatever colours and cursor movements stand between its letters; pure.
package struct TextSearch: Sendable {
    private let needle: [UInt8]
    private var filter = TerminalFilter(keepsControls: false)
    /// The end of the text so far, as long as a match could begin in it.
    private var tail: [UInt8] = []

    /// - Parameter text: upper and lower case of ASCII letters are the same; not empty.
    package init(_ text: String) {
        needle = Array(text.utf8.prefix(1_024)).map(Self.lower)
    }

    /// Takes in output; true: with it a match is complete.
    package mutating func finds(in bytes: [UInt8]) -> Bool {
        guard !needle.isEmpty else { return false }
        var plain: [UInt8] = []
        filter.append(bytes, to: &plain)
        tail += plain.map(Self.lower)
        let last = tail.indices.dropLast(needle.count - 1).last { start in
            tail[start] == needle[0] && tail[start..<start + needle.count].elementsEqual(needle)
        }
        // Of a match nothing counts again.
        tail = Array(tail[(last.map { $0 + needle.count } ?? 0)...].suffix(needle.count - 1))
        return last != nil
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }
}
