/// How a command ended, after sysexits(3).
package enum ExitCode: UInt8, Sendable, CaseIterable {
    case success = 0
    /// It was tried and failed, or the person said no.
    case failure = 1
    /// The words make no sense.
    case usage = 64
    /// There is no such thing.
    case notFound = 66
    /// Something that is needed cannot be reached.
    case unavailable = 69
    /// The caller may not do this.
    case refused = 77
    /// The configuration is wrong.
    case configuration = 78
}
