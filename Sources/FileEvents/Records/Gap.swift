/// A span in which a host may have missed events.
package struct Gap: Hashable, Sendable {
    package enum Reason: UInt8, Sendable, CaseIterable {
        /// The kernel's queue of file events was full.
        case overflow
        /// The collector was ended without a farewell, and came back.
        case restarted
        /// The collector was stopped, and came back.
        case stopped
        /// Nothing was heard of the host. Only the gateway says this one.
        case silence
        case reboot
        /// The spool was full; `lost` counts the events.
        case spoolFull
        /// Notes of the birth of processes were lost: who did something may be unknown.
        case connectorOverflow
        /// The tree's mount was not there.
        case mountLost
    }

    /// The tree's root; nil: all trees of the host.
    package var tree: [UInt8]?
    /// Microseconds since 1970.
    package var from: Int64
    /// Microseconds since 1970.
    package var until: Int64
    package var reason: Reason
    /// How many events, where it is known.
    package var lost: UInt64?

    package init(tree: [UInt8]?, from: Int64, until: Int64, reason: Reason, lost: UInt64? = nil) {
        self.tree = tree
        self.from = from
        self.until = until
        self.reason = reason
        self.lost = lost
    }
}
