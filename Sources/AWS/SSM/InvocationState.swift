/// How far a command is on one instance.
package enum InvocationState: String, Sendable, CaseIterable {
    // Still open.
    case pending, delayed, running, cancelling

    // Ended on the instance.
    case succeeded, failed, cancelled
    /// The script took longer than it may.
    case executionTimedOut

    // Never began.
    /// The agent did not fetch the command in time.
    case deliveryTimedOut
    /// There is no such agent, or it does not answer.
    case undeliverable
    /// Too many other instances failed before.
    case terminated
    /// Refused for another reason: platform, rights, too many commands.
    case refused

    /// A word that this version does not know; not taken for an end.
    case unknown

    /// Reads `Status` and the finer `StatusDetails`, which say `DeliveryTimedOut` or `Delivery Timed Out`.
    package init(status: String?, details: String?) {
        self = Self.named(details) ?? Self.named(status) ?? .unknown
    }

    private static func named(_ text: String?) -> InvocationState? {
        switch text?.filter({ $0 != " " }).lowercased() {
        case "pending": .pending
        case "delayed": .delayed
        case "inprogress": .running
        case "cancelling": .cancelling
        case "success": .succeeded
        case "failed", "incomplete": .failed
        case "cancelled", "canceled": .cancelled
        case "executiontimedout", "timedout": .executionTimedOut
        case "deliverytimedout": .deliveryTimedOut
        case "undeliverable", "noinstancesintag": .undeliverable
        case "terminated": .terminated
        case "rateexceeded", "accessdenied", "invalidplatform", "limitexceeded": .refused
        default: nil
        }
    }

    /// Whether it stays so.
    ///
    /// The agent may report an older state after an end: callers keep the first final state.
    package var isFinal: Bool {
        switch self {
        case .pending, .delayed, .running, .cancelling, .unknown: false
        default: true
        }
    }

    /// Whether the script surely never ran.
    package var hasNotRun: Bool {
        switch self {
        case .deliveryTimedOut, .undeliverable, .terminated, .refused: true
        default: false
        }
    }
}
