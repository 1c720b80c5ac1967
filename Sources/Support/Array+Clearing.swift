import Glibc

extension [UInt8] {
    /// Overwrites what it holds, and empties it: for passwords and codes.
    ///
    /// Reaches this copy only; one that shares its storage with another is copied first.
    package mutating func clear() {
        unsafe withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { unsafe explicit_bzero(start, bytes.count) }
        }
        removeAll()
    }
}
