/// What all programs of Gatehouse have in common.
package enum Product {
    /// Of this build.
    package static let version = "0.1.0"
}
