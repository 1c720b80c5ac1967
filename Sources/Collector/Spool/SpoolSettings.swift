package import FileEvents
package import SSHKeys

/// Where a spool lies, whose it is and how much it may take.
package struct SpoolSettings: Sendable {
    /// The folder, which streams share; made when it is missing; only root may enter.
    package var folder: String
    package var stream: SegmentHeader.Stream
    /// The host's name in the directory.
    package var host: String
    /// The kernel's boot identifier, 16 bytes.
    package var boot: [UInt8]
    package var key: PrivateKey
    /// Records that do not fit below this many bytes are counted and dropped.
    package var capacity: UInt64
    /// Records wait no longer than this to be written and synchronised, in microseconds.
    package var flushInterval: Int64 = 500_000

    /// When so many segments wait to be shipped, they are made bigger instead of more.
    package static let backlog = 16
    /// With a backlog a segment is ended after this time, in microseconds.
    package static let backlogInterval: Int64 = 60_000_000

    package init(
        folder: String, stream: SegmentHeader.Stream, host: String, boot: [UInt8], key: PrivateKey,
        capacity: UInt64 = 2 << 30
    ) {
        self.folder = folder
        self.stream = stream
        self.host = host
        self.boot = boot
        self.key = key
        self.capacity = capacity
    }
}
