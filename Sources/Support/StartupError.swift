/// Why a daemon does not start: one sentence for the operator, and exit status 78.
package struct StartupError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
