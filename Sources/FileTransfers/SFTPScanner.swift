import Support

/// Splits one direction of an SFTP stream into its messages, piece by piece as they come, and keeps only what is needed to
/// understand them: never what a file holds.
struct SFTPScanner {
    /// A part of the stream.
    enum Piece: Equatable {
        /// The beginning of a message: its type, what follows that, and whether more of it comes.
        case message(type: UInt8, head: [UInt8], isCut: Bool)
        /// The rest of it, in parts.
        case content(ArraySlice<UInt8>)
    }

    /// No message is longer, in bytes. OpenSSH ends at 256 KiB, other servers at some MiB.
    static let lengthLimit = 16 << 20

    private var prefix: [UInt8] = []
    private var head: [UInt8] = []
    private var headCount = 0
    private var remaining = 0

    /// Takes the next piece off the front of `bytes`.
    ///
    /// - Returns: nil when more bytes are needed.
    /// - Throws: `WireError` for a length that no message has.
    mutating func next(from bytes: inout ArraySlice<UInt8>) throws(WireError) -> Piece? {
        if prefix.isEmpty, remaining > 0 {
            let content = bytes.prefix(remaining)
            guard !content.isEmpty else { return nil }
            bytes = bytes.dropFirst(content.count)
            remaining -= content.count
            return .content(content)
        }
        if prefix.count < 5 {
            guard try startMessage(from: &bytes) else { return nil }
        }
        let more = bytes.prefix(headCount - head.count)
        head += more
        bytes = bytes.dropFirst(more.count)
        guard head.count == headCount else { return nil }
        let type = prefix[4]
        prefix.removeAll(keepingCapacity: true)
        remaining -= headCount
        defer { head.removeAll(keepingCapacity: true) }
        return .message(type: type, head: head, isCut: remaining > 0)
    }

    /// Reads a message's length and type.
    private mutating func startMessage(from bytes: inout ArraySlice<UInt8>) throws(WireError) -> Bool {
        let missing = bytes.prefix(5 - prefix.count)
        prefix += missing
        bytes = bytes.dropFirst(missing.count)
        guard prefix.count == 5 else { return false }
        let length = prefix[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length >= 1, length <= Self.lengthLimit else {
            throw WireError("a message of \(length) bytes")
        }
        remaining = length - 1
        headCount = min(remaining, SFTPMessage(rawValue: prefix[4])?.headLimit ?? 4)
        return true
    }
}
