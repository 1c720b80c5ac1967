internal import CSupport
internal import FileEvents
internal import Glibc
internal import Ownership
internal import Support

/// Reads one directory after the other. Each thread has its own.
// The buffer belongs to the object; what the kernel puts there is checked before it is used.
@safe
final class DirectoryReader {
    private let root: Descriptor
    private let rootDevice: UInt64
    private let crossesMounts: Bool
    private let packer: DirectoryPacker
    private let entries = EntryBuffer()
    private let buffer: UnsafeMutableRawPointer
    private static let bufferByteCount = 128 << 10
    /// Longer paths are opened in steps; the kernel takes 4,095 bytes at once.
    private static let step = 3_800
    /// Deeper directories are noted as too long and left out.
    static let longestPath = 32 << 10

    init(root: Descriptor, rootDevice: UInt64, crossesMounts: Bool, digest: Digest64) {
        self.root = root
        self.rootDevice = rootDevice
        self.crossesMounts = crossesMounts
        packer = DirectoryPacker(digest: digest)
        unsafe buffer = .allocate(byteCount: Self.bufferByteCount, alignment: 16)
    }

    deinit {
        unsafe buffer.deallocate()
    }

    /// Reads a directory.
    ///
    /// - Returns: what it holds or why that is unknown, and its directories, each with a NUL behind the name.
    func read(_ directory: PendingDirectory) -> (ReadDirectory, directories: [UInt8]) {
        let result = ReadDirectory(directory)
        let time = Book.now
        let opened: Descriptor
        do throws(SystemError) {
            opened = try open(directory.path)
        } catch {
            // A mount that appeared since its parent was read is as good as one that was there.
            if error.number == EXDEV, !crossesMounts {
                result.mounts = 1
            } else {
                result.problems.append(
                    ScanProblem(path: directory.path, number: error.number, operation: .open))
            }
            return (result, [])
        }
        var own = gh_stat()
        let status = unsafe gh_stat_beneath(opened.number, "", &own)
        guard status == 0 else {
            result.problems.append(ScanProblem(path: directory.path, number: -status, operation: .stat))
            return (result, [])
        }
        entries.removeAll()
        let error = readNames(opened.number)
        guard error == 0 else {
            // A part of a directory would look as if the rest were gone.
            result.problems.append(ScanProblem(path: directory.path, number: error, operation: .read))
            return (result, [])
        }
        entries.readStats(opened.number) { name, number in
            result.unknownNames.append(name)
            result.problems.append(
                ScanProblem(path: Self.join(directory.path, name), number: number, operation: .stat))
        }
        entries.sort()
        var stat = FileStat(own)
        if own.device != rootDevice { stat.inode = EntryBuffer.inode(stat.inode, on: own.device) }
        packer.begin(
            stat: stat, accessList: AccessList.read(opened), time: time, entryCount: entries.count)
        let (directories, mounts) = entries.pack(
            with: packer, device: own.device, rootDevice: rootDevice, crossesMounts: crossesMounts)
        result.packed = packer.finish()
        result.mounts = mounts
        return (result, directories)
    }

    /// Opens a directory of the tree. Users may rename and replace what leads to it meanwhile; it is never outside of the tree.
    private func open(_ path: [UInt8]) throws(SystemError) -> Descriptor {
        guard path.count <= Self.longestPath else { throw SystemError("open", number: ENAMETOOLONG) }
        var base = root
        var rest = path[...]
        while rest.count > Self.step {
            guard let slash = rest.prefix(Self.step).lastIndex(of: UInt8(ascii: "/")) else {
                throw SystemError("open", number: ENAMETOOLONG)
            }
            base = try open(Array(rest[..<slash]), in: base, reading: false)
            rest = rest[(slash + 1)...]
        }
        return try open(rest.isEmpty ? [UInt8(ascii: ".")] : Array(rest), in: base, reading: true)
    }

    private func open(
        _ path: [UInt8], in base: Descriptor, reading: Bool
    ) throws(SystemError) -> Descriptor {
        let number = unsafe (path + [0]).withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) {
                unsafe gh_open_beneath(base.number, $0.baseAddress, reading ? 1 : 0, crossesMounts ? 1 : 0)
            }
        }
        return Descriptor(adopting: try SystemError.checkNegated(number, "open"))
    }

    /// Reads all names. 0 or `errno`.
    private func readNames(_ directory: Int32) -> Int32 {
        while true {
            let count = unsafe gh_read_names(directory, buffer, Self.bufferByteCount)
            if count == 0 { return 0 }
            if count < 0 { return Int32(-count) }
            unsafe addNames(UnsafeRawBufferPointer(start: buffer, count: count))
        }
    }

    /// Takes the names from records of the kernel: inode 8, offset 8, length 2, type 1, name with a NUL.
    private func addNames(_ records: UnsafeRawBufferPointer) {
        var offset = 0
        while offset + 19 < records.count {
            let length = unsafe Int(records.loadUnaligned(fromByteOffset: offset + 16, as: UInt16.self))
            guard length > 19, offset + length <= records.count else { return }
            let field = unsafe UnsafeRawBufferPointer(rebasing: records[(offset + 19)..<(offset + length)])
            let count = unsafe field.firstIndex(of: 0) ?? field.count
            let name = unsafe UnsafeRawBufferPointer(rebasing: field[..<count])
            if unsafe !Self.isDot(name), name.count > 0 { unsafe entries.add(name) }
            offset += length
        }
    }

    private static func isDot(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count <= 2, name.count > 0, unsafe name[0] == UInt8(ascii: ".") else {
            return false
        }
        return unsafe name.count == 1 || name[1] == UInt8(ascii: ".")
    }

    static func join(_ path: [UInt8], _ name: [UInt8]) -> [UInt8] {
        path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
    }
}
