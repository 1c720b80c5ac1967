/// TCP ports, such as `8888,6006-6010`.
package struct PortSet: Hashable, Sendable {
    /// More pieces than that are cut off: a set never grows without bound, and what is missing is not allowed.
    package static let pieceLimit = 1_024
    private static let textLimit = 1_024

    package static let none = PortSet(pieces: [])
    package static let all = PortSet(pieces: [0...UInt16.max])

    /// Ascending; none touches another.
    package let pieces: [ClosedRange<UInt16>]

    private init(pieces: [ClosedRange<UInt16>]) {
        self.pieces = pieces
    }

    /// The ports of all these ranges.
    package init(_ ranges: some Sequence<ClosedRange<UInt16>>) {
        var merged: [ClosedRange<UInt16>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, UInt32(range.lowerBound) <= UInt32(last.upperBound) + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        pieces = Array(merged.prefix(Self.pieceLimit))
    }

    /// Reads ports and ranges of ports with commas between them; nil for anything else, an empty text too, and more than somebody
    /// would type.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.textLimit else { return nil }
        self.init(written: text)
    }

    /// Reads what `text` is of any set that is neither empty nor all.
    init?(written text: String) {
        // No piece is longer than 12345-67890 and its comma.
        guard (1...Self.pieceLimit * 12).contains(text.utf8.count) else { return nil }
        var ranges: [ClosedRange<UInt16>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), let low = Self.port(ends[0]),
                let high = Self.port(ends[ends.count - 1]), low <= high
            else { return nil }
            ranges.append(low...high)
        }
        self.init(ranges)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard (1...5).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(text), port > 0
        else { return nil }
        return port
    }

    package var isEmpty: Bool { pieces.isEmpty }

    package func contains(_ port: UInt16) -> Bool {
        pieces.contains { $0.contains(port) }
    }

    package func union(_ other: PortSet) -> PortSet { PortSet(pieces + other.pieces) }

    /// Whether every port of `other` is in here.
    package func isSuperset(of other: PortSet) -> Bool {
        other.pieces.allSatisfy { piece in
            pieces.contains { $0.lowerBound <= piece.lowerBound && piece.upperBound <= $0.upperBound }
        }
    }

    /// As it is written; empty for no port, `all` for every one.
    package var text: String {
        self == .all
            ? "all"
            : pieces.map {
                $0.lowerBound == $0.upperBound
                    ? String($0.lowerBound) : "\($0.lowerBound)-\($0.upperBound)"
            }.joined(separator: ",")
    }
}
