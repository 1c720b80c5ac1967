/// Bytes that wait to be written somewhere.
struct ByteQueue {
    private static let compactionByteCount = 1 << 20

    private var bytes: [UInt8] = []
    private var offset = 0

    var count: Int { bytes.count - offset }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: [UInt8]) {
        bytes += more
    }

    /// Hands what waits to `write` until it takes nothing more or all has gone.
    ///
    /// - Parameter write: returns how many bytes it took; 0: none for now.
    mutating func drain<Failure: Error>(
        _ write: (ArraySlice<UInt8>) throws(Failure) -> Int
    ) throws(Failure) {
        while !isEmpty {
            let count = try write(bytes[offset...])
            if count == 0 { break }
            offset += count
        }
        if isEmpty {
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.compactionByteCount)
            offset = 0
        } else if offset > Self.compactionByteCount {
            bytes.removeFirst(offset)
            offset = 0
        }
    }
}
