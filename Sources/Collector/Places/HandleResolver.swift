import CWatch
import FileEvents
import Glibc
import Support

/// Asks the kernel for what handles stand for. Holds descriptors for a moment only, so that it is in the way of no unmount.
///
/// Not `Sendable`: one thread uses it.
final class HandleResolver {
    private struct Mount {
        var fileSystem: UInt64
        var identity: WatchedTree.Identity
        var descriptor: Descriptor
    }

    /// So many directories are open at once.
    private static let directoryLimit = 256

    private var mounts: [Mount] = []
    private var directories: [FileHandle: Descriptor] = [:]

    /// Opens the mounts of trees that are watched by name; those of before are closed.
    func prepare(_ trees: [WatchedTree]) {
        release()
        for tree in trees where tree.extent == .everything {
            guard let identity = tree.identity,
                !mounts.contains(where: { $0.identity.mount == identity.mount }),
                let descriptor = try? Descriptor.open(tree.text, O_RDONLY | O_DIRECTORY)
            else { continue }
            mounts.append(Mount(fileSystem: tree.fileSystem, identity: identity, descriptor: descriptor))
        }
    }

    var isPrepared: Bool { !mounts.isEmpty }

    /// Closes everything.
    func release() {
        directories.removeAll()
        mounts.removeAll()
    }

    /// Where a directory is.
    func location(of handle: FileHandle, in trees: [WatchedTree]) -> DirectoryCache.Location {
        var isGone = false
        for mount in mounts where mount.fileSystem == handle.fileSystem {
            guard let descriptor = open(handle, mount) else {
                isGone = true
                continue
            }
            guard let path = Self.path(of: descriptor), Self.leads(path, to: descriptor) else { continue }
            var best: (tree: Int, path: [UInt8])?
            for (number, tree) in trees.enumerated() where tree.extent == .everything {
                guard let relative = tree.relative(path) else { continue }
                if best.map({ $0.path.count > relative.count }) ?? true { best = (number, relative) }
            }
            if let best {
                keep(descriptor, for: handle)
                return .inside(tree: best.tree, path: best.path)
            }
        }
        return isGone ? .gone : .outside
    }

    /// What is under a name in a directory, or the directory itself; nil: nothing is.
    func status(of name: [UInt8], in handle: FileHandle, itself: Bool) -> FileStat? {
        guard let directory = directory(handle) else { return nil }
        var status = gh_file_status()
        let text = itself ? [0] : name + [0]
        let result = unsafe text.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { name in
                unsafe gh_file_status(directory.number, name.baseAddress, &status)
            }
        }
        return result == 0 ? FileStat(status) : nil
    }

    /// The ACL of a directory in a directory, or of the directory itself; nil: unknown.
    func accessList(of name: [UInt8], in handle: FileHandle, itself: Bool) -> [UInt8]? {
        directory(handle).flatMap { AccessList.read($0, itself ? [] : name) }
    }

    private func directory(_ handle: FileHandle) -> Descriptor? {
        if let known = directories[handle] { return known }
        for mount in mounts where mount.fileSystem == handle.fileSystem {
            guard let descriptor = open(handle, mount) else { continue }
            keep(descriptor, for: handle)
            return descriptor
        }
        return nil
    }

    private func keep(_ descriptor: Descriptor, for handle: FileHandle) {
        if directories.count >= Self.directoryLimit { directories.removeAll(keepingCapacity: true) }
        directories[handle] = descriptor
    }

    private func open(_ handle: FileHandle, _ mount: Mount) -> Descriptor? {
        let bytes = handle.bytes
        let number = unsafe gh_open_handle(mount.descriptor.number, handle.type, bytes, UInt32(bytes.count))
        return number < 0 ? nil : Descriptor(adopting: number)
    }

    /// The path of an open file as this process sees it.
    static func path(of descriptor: Descriptor) -> [UInt8]? {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            count = unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return -1 }
                return unsafe readlink("/proc/self/fd/\(descriptor.number)", start, text.count)
            }
            filled = max(count, 0)
        }
        return count > 0 && bytes.first == 0x2F ? Array(bytes) : nil
    }

    /// Whether a path leads to an open directory: it does not when the directory was removed, or is hidden below a mount.
    private static func leads(_ path: [UInt8], to descriptor: Descriptor) -> Bool {
        var (own, found) = (gh_file_status(), gh_file_status())
        let text = path + [0]
        let result = unsafe text.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { name in
                unsafe gh_file_status(-1, name.baseAddress, &found)
            }
        }
        return unsafe result == 0 && gh_file_status(descriptor.number, "", &own) == 0
            && own.inode == found.inode
            && own.device == found.device
    }
}

extension FileStat {
    init(_ status: gh_file_status) {
        self.init(
            inode: status.inode, mode: status.mode, uid: status.uid, gid: status.gid, links: status.links,
            size: status.size, blocks: status.blocks, modified: status.modified, changed: status.changed)
    }
}

extension FileStat {
    /// Of an open file; nil: it cannot be asked.
    init?(descriptor: Descriptor) {
        var status = gh_file_status()
        guard unsafe gh_file_status(descriptor.number, "", &status) == 0 else { return nil }
        self.init(status)
    }
}
