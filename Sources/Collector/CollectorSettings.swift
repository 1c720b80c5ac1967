/// What a collector is to do.
package struct CollectorSettings: Sendable {
    /// The trees, by absolute path.
    package var trees: [String]
    /// The folder for what does not outlive a boot: login records, the status, requests for scans.
    package var runtime: String
    /// The kernel's boot identifier, 16 bytes.
    package var boot: [UInt8]
    /// Only processes of this program's mount namespace, and their descendants, are this host's: others are other machines'
    /// that share its kernel.
    package var isOnlyMountNamespace = false
    /// Events wait so long for others, in nanoseconds.
    package var batchInterval: Int64 = 20_000_000
    /// The kernel's limit of waiting events is raised to this; 0 leaves it.
    package var queueLimit = 1 << 20

    package init(trees: [String], runtime: String, boot: [UInt8]) {
        self.trees = trees
        self.runtime = runtime
        self.boot = boot
    }
}
