/// Why the cloud did not tell. Nothing was changed.
package struct InventoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One sentence without a full stop; never holds a secret.
    package let detail: String

    /// What to do about it, if that is known.
    package let hint: String?

    package init(_ detail: String, hint: String? = nil) {
        self.detail = detail
        self.hint = hint
    }

    package var description: String { detail }
}
