/// Why a segment cannot be read or made.
package struct SegmentError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The bytes end within a part: what a killed writer leaves.
        case truncated
        /// The bytes do not follow the format.
        case malformed
        /// A checksum, a hash or the signature does not fit.
        case forged
        /// The segment does not follow the one before.
        case chainBroken
        /// A version that this program does not know.
        case unknownVersion
        /// A limit of the format would be passed.
        case tooLarge
        /// zstd or libcrypto failed.
        case library
    }

    /// What went wrong.
    package let code: Code
    /// One line for the log.
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}
