internal import CZstd

/// Packs bytes into zstd frames that can be unpacked one by one.
// One thread uses it, and the context is freed in deinit.
@safe
final class FrameCompressor {
    /// Ordinary terminals are text that repeats itself within a screen or two; a small window keeps the recorder small.
    private static let (level, windowLog): (Int32, Int32) = (3, 18)

    private let context: OpaquePointer
    private var buffer: [UInt8]

    init() throws(RecordingError) {
        guard let context = unsafe ZSTD_createCCtx() else {
            throw RecordingError(.library, "zstd has no memory")
        }
        unsafe self.context = context
        buffer = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
        for (parameter, value) in [
            (ZSTD_c_compressionLevel, Self.level), (ZSTD_c_windowLog, Self.windowLog),
            (ZSTD_c_checksumFlag, 1),
        ] {
            guard unsafe ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0 else {
                throw RecordingError(.library, "zstd does not know a parameter")
            }
        }
    }

    deinit {
        unsafe ZSTD_freeCCtx(context)
    }

    /// How much of what came is in the output.
    enum Extent {
        /// What fills a block.
        case blocks
        /// All: who unpacks what there is gets every byte.
        case all
        /// All, and the frame is over.
        case frame
    }

    /// Packs bytes and appends what comes of it.
    func append(_ bytes: [UInt8], upTo extent: Extent, to out: inout [UInt8]) throws(RecordingError) {
        let directive =
            switch extent {
            case .blocks: ZSTD_e_continue
            case .all: ZSTD_e_flush
            case .frame: ZSTD_e_end
            }
        var position = 0
        while true {
            var (produced, left): (Int, Int) = (0, 0)
            let context = unsafe self.context
            unsafe bytes.withUnsafeBytes { source in
                unsafe buffer.withUnsafeMutableBytes { target in
                    var input = unsafe ZSTD_inBuffer(
                        src: source.baseAddress, size: source.count, pos: position)
                    var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    left = unsafe ZSTD_compressStream2(context, &output, &input, directive)
                    (position, produced) = unsafe (input.pos, output.pos)
                }
            }
            guard ZSTD_isError(left) == 0 else { throw RecordingError(.library, "zstd cannot pack") }
            out += buffer[..<produced]
            if extent == .blocks ? position == bytes.count : left == 0 { return }
        }
    }
}
