import Glibc

/// What looks over the programs under test, as `scripts/test-sanitized` says.
package enum Sanitizer: String {
    case address, thread

    /// nil in ordinary builds.
    package static var current: Sanitizer? {
        unsafe getenv("GATEHOUSE_SANITIZER").flatMap { unsafe Sanitizer(rawValue: String(cString: $0)) }
    }
}
