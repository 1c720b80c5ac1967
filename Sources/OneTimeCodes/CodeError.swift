/// Why a one-time code could not be made, kept or looked at.
package struct CodeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reason, for a person; never holds a secret.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
