import CZstd

/// zstd at its ordinary level: 4 % smaller than the fastest, for three milliseconds a megabyte.
enum Compression {
    private static let level: Int32 = 3

    static func compress(_ bytes: [UInt8]) throws(SegmentError) -> [UInt8] {
        var failure: SegmentError?
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) {
            buffer, count in
            let result = unsafe ZSTD_compress(
                buffer.baseAddress, buffer.count, bytes, bytes.count, level)
            if ZSTD_isError(result) != 0 {
                failure = SegmentError(.library, unsafe "zstd: \(String(cString: ZSTD_getErrorName(result)))")
            } else {
                count = result
            }
        }
        if let failure { throw failure }
        return compressed
    }

    /// Unpacks exactly `count` bytes; more or fewer are an error, and no more memory than that is used.
    static func decompress(_ bytes: [UInt8], count: Int) throws(SegmentError) -> [UInt8] {
        var failure: SegmentError?
        let contents = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, filled in
            let result = unsafe ZSTD_decompress(buffer.baseAddress, count, bytes, bytes.count)
            if ZSTD_isError(result) != 0 {
                failure = SegmentError(
                    .malformed,
                    unsafe "a frame does not unpack: \(String(cString: ZSTD_getErrorName(result)))")
            } else if result != count {
                failure = SegmentError(.malformed, "a frame unpacks to \(result) bytes instead of \(count)")
            } else {
                filled = result
            }
        }
        if let failure { throw failure }
        return contents
    }
}
