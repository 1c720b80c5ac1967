import CWatch
import FileEvents
import Support

/// A tree that is to be watched, and how it is.
struct WatchedTree {
    /// What tells one mounted directory from another.
    struct Identity: Equatable {
        var device: UInt64
        var mount: UInt64
        var inode: UInt64
    }

    let path: [UInt8]
    let text: String
    var extent = Coverage.Extent.none
    /// What is mounted there now; nil: nothing that could be watched.
    var identity: Identity?
    /// The file system's number as file events name it.
    var fileSystem: UInt64 = 0
    var fileSystemName = ""
    /// Since when the mount is not what it was, in microseconds since 1970.
    var lostSince: Int64?

    init(_ text: String) {
        self.text = text
        path = Array(text.utf8)
    }

    /// What is at the tree's path now.
    func look() -> Identity? {
        var status = gh_file_status()
        guard unsafe gh_file_status(-1, text, &status) == 0, status.mode & 0o170000 == 0o040000 else {
            return nil
        }
        return Identity(device: status.device, mount: status.mount, inode: status.inode)
    }

    /// The path of something within the tree, relative to its root; nil: it is not below.
    func relative(_ absolute: some Collection<UInt8>) -> [UInt8]? {
        if path == [0x2F] { return Array(absolute.dropFirst()) }
        guard absolute.starts(with: path) else { return nil }
        let rest = absolute.dropFirst(path.count)
        if rest.isEmpty { return [] }
        return rest.first == 0x2F ? Array(rest.dropFirst()) : nil
    }
}

/// Names of file systems by the number that statfs(2) gives.
enum FileSystemName {
    private static let names: [UInt64: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x6969: "nfs", 0x794C_7630: "overlay",
        0x6573_5546: "fuse", 0x0102_1994: "tmpfs", 0xFF53_4D42: "cifs", 0x0BD0_0BD0: "lustre",
        0x2FC1_2FC1: "zfs",
    ]

    static func name(_ type: UInt64) -> String { names[type] ?? "0x" + String(type, radix: 16) }
}
