internal import CSupport
internal import Glibc
package import Support

/// How a file system is best walked.
package enum FileSystemPlan: Equatable, Sendable {
    /// On this machine's disks.
    case local
    /// On a server, through the mount that is there.
    case remote
    /// On an NFS server, through a mount of the scan's own: attributes come with the names there, one call for each directory
    /// instead of one for each file, and none of them is old.
    case freshMount(FreshMount)
}

/// A mount made for a scan.
package struct FreshMount: Equatable, Sendable {
    package var kind: String
    package var source: [UInt8]
    package var options: [String]
    /// Where it is mounted: over the mount that is there, which only this program sees.
    package var mountPoint: [UInt8]
    /// Where the tree is then.
    package var treePath: [UInt8]

    /// The words for mount(8).
    ///
    /// - Throws: `ScanError` when a name in them is not UTF-8.
    package func arguments() throws(ScanError) -> [String] {
        guard let source = String(validating: source, as: UTF8.self),
            let mountPoint = String(validating: mountPoint, as: UTF8.self)
        else { throw ScanError(.cannotMount, "the mount's name is not UTF-8") }
        return ["-n", "-t", kind, "-o", options.joined(separator: ","), "--", source, mountPoint]
    }
}

extension FileSystemPlan {
    /// Options of the mount that is there which the other one needs to reach the server in the same way.
    private static let kept: Set<String> = [
        "vers", "nfsvers", "minorversion", "proto", "port", "sec", "timeo", "retrans", "rsize", "noresvport",
        "resvport", "clientaddr", "mountport", "mountproto", "mountvers", "hard", "soft", "softerr", "nolock",
        "xprtsec",
    ]

    private static let nfs: Int64 = 0x6969
    /// SMB in its two versions, Ceph, Lustre, FUSE, 9P, AFS.
    private static let remoteKinds: Set<Int64> = [
        0xFF53_4D42, 0xFE53_4D42, 0x00C3_6400, 0x0BD0_0BD0, 0x6573_5546, 0x0102_1997, 0x6B41_4653,
    ]

    /// Decides how to walk a tree.
    ///
    /// - Parameters:
    ///   - path: the tree's root.
    ///   - kind: `f_type` of statfs(2).
    ///   - table: what /proc/self/mountinfo holds.
    package static func deciding(_ path: [UInt8], kind: Int64, table: [UInt8]) -> FileSystemPlan {
        if remoteKinds.contains(kind) { return .remote }
        guard kind == nfs else { return .local }
        guard let mount = MountEntry.holding(path, in: table), mount.kind.hasPrefix("nfs"),
            let rest = mount.rest(of: path)
        else { return .remote }
        let options = mount.options.filter { option in
            kept.contains(String(option.prefix { $0 != "=" }))
        }
        let root = mount.root == [UInt8(ascii: "/")] ? [] : mount.root
        return .freshMount(
            FreshMount(
                kind: mount.kind, source: mount.source, options: ["ro", "nosharecache"] + options,
                mountPoint: mount.mountPoint, treePath: mount.mountPoint + root + rest))
    }

    /// Decides for the tree at a path.
    ///
    /// - Throws: `ScanError` `.badRoot`.
    package static func deciding(_ path: [UInt8]) throws -> FileSystemPlan {
        let root = try openTree(path)
        let kind = gh_file_system_kind(root.number)
        let table = try Descriptor.open("/proc/self/mountinfo", O_RDONLY).readAll(limit: 64 << 20)
        return deciding(path, kind: kind, table: table)
    }

    /// Directories that are read at the same time where nothing else is asked for.
    package var threads: Int {
        switch self {
        case .local: 8
        case .remote: 16
        case .freshMount: 32
        }
    }

    /// Opens the tree, mounting it anew if that is the plan. Before any thread is started: the mount is seen by this thread and those that it
    /// starts, and is gone with the last of them, however they end.
    ///
    /// - Throws: `ScanError` `.badRoot`, `.cannotMount`; `SystemError`.
    package func open(_ path: [UInt8]) throws -> Descriptor {
        guard case .freshMount(let mount) = self else { return try Self.openTree(path) }
        try SystemError.checkNegated(gh_private_mounts(), "unshare")
        let silent = try Descriptor.open("/dev/null", O_RDWR)
        var child = ChildProcess("/bin/mount", descriptors: [silent, silent, silent])
        child.arguments = try mount.arguments()
        child.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        let status = ChildProcess.wait(for: try child.start())
        guard status == 0 else {
            let words = child.arguments.joined(separator: " ")
            throw ScanError(.cannotMount, "'mount \(words)' ended with status \(status)")
        }
        return try Self.openTree(mount.treePath)
    }

    private static func openTree(_ path: [UInt8]) throws(ScanError) -> Descriptor {
        let number = unsafe (path + [0]).withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) {
                guard let start = $0.baseAddress else { return Int32(-1) }
                return unsafe Glibc.open(start, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            }
        }
        guard number >= 0 else { throw ScanError(.badRoot, SystemError("open").reason) }
        return Descriptor(adopting: number)
    }
}
