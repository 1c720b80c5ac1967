/// What is wrong with a recording.
package struct RecordingError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// zstd refuses to work.
        case library
        /// The bytes are no recording, or a damaged one.
        case malformed
    }

    /// Code switches on this; people read `description`.
    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
