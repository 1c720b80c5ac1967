internal import CZstd

/// Unpacks zstd frames, one after the other, as their bytes come.
// One thread uses it, and the context is freed in deinit.
@safe
final class FrameDecompressor {
    /// What no frame of a recorder needs; a file that was made to take more memory is refused.
    private static let windowLogLimit: Int32 = 20

    private let context: OpaquePointer
    private var buffer: [UInt8]

    init() throws(RecordingError) {
        guard let context = unsafe ZSTD_createDCtx() else {
            throw RecordingError(.library, "zstd has no memory")
        }
        unsafe self.context = context
        buffer = [UInt8](repeating: 0, count: ZSTD_DStreamOutSize())
        guard
            unsafe ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogLimit))
                == 0
        else { throw RecordingError(.library, "zstd does not know a parameter") }
    }

    deinit {
        unsafe ZSTD_freeDCtx(context)
    }

    /// What one call of `unpack` gives at the most, in bytes.
    var capacity: Int { buffer.count }

    /// Unpacks until `bytes` is used up or a buffer is full.
    ///
    /// - Parameter position: where to go on in `bytes`; moves on.
    /// - Returns: what came of it; nothing: all is used up.
    func unpack(_ bytes: [UInt8], from position: inout Int) throws(RecordingError) -> ArraySlice<UInt8> {
        var (produced, result): (Int, Int) = (0, 0)
        var consumed = position
        let context = unsafe self.context
        unsafe bytes.withUnsafeBytes { source in
            unsafe buffer.withUnsafeMutableBytes { target in
                var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
                var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                result = unsafe ZSTD_decompressStream(context, &output, &input)
                (consumed, produced) = unsafe (input.pos, output.pos)
            }
        }
        guard ZSTD_isError(result) == 0 else {
            throw RecordingError(.malformed, "the recording is damaged: it does not unpack")
        }
        position = consumed
        return buffer[..<produced]
    }
}
