internal import CZlib

/// The format of zlib(3), which hosts unpack with Python's module of that name.
enum Zlib {
    /// As small as it gets; nil when there is no memory.
    static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        var size = compressBound(UInt(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(size))
        guard unsafe compress2(&result, &size, bytes, UInt(bytes.count), Z_BEST_COMPRESSION) == Z_OK else {
            return nil
        }
        return Array(result.prefix(Int(size)))
    }

    /// What was packed; nil when the bytes are anything else, or do not give exactly this size.
    static func unpacked(_ bytes: [UInt8], size: Int) -> [UInt8]? {
        // zlib packs no better than that, so a small lie costs little memory.
        guard size >= 0, size <= bytes.count * 1_032 else { return nil }
        var result = [UInt8](repeating: 0, count: max(1, size))
        var count = UInt(size)
        guard unsafe uncompress(&result, &count, bytes, UInt(bytes.count)) == Z_OK, Int(count) == size else {
            return nil
        }
        return Array(result.prefix(size))
    }
}
