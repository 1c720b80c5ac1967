import Glibc
import Support
import TestSupport

/// Makes a tree and changes it, in the same way for the same seed.
struct TreeMaker {
    var random: SeededGenerator
    let root: String
    private var counter = 0

    init(_ root: String, seed: UInt64) {
        self.root = root
        random = SeededGenerator(seed: seed)
    }

    /// Some directories and files: hostile names, holes, links of both kinds, a pipe.
    mutating func make(directories: Int, files: Int) throws {
        var known = [bytes(root)]
        for _ in 0..<directories {
            let parent = known.randomElement(using: &random) ?? known[0]
            if parent.count > 2_500 { continue }
            let path = parent + [UInt8(ascii: "/")] + name()
            try unsafe check(withPath(path) { unsafe mkdir($0, 0o755) })
            known.append(path)
        }
        for _ in 0..<files {
            let path = (known.randomElement(using: &random) ?? known[0]) + [UInt8(ascii: "/")] + name()
            switch Int.random(in: 0..<20, using: &random) {
            case 0: try unsafe check(withPath(path) { unsafe symlink("nowhere", $0) })
            case 1: try unsafe check(withPath(path) { unsafe mkfifo($0, 0o600) })
            default: try write(path)
            }
        }
    }

    /// A new name: plain, or with bytes that are no UTF-8, or as long as can be.
    mutating func name() -> [UInt8] {
        counter += 1
        let plain = bytes("n\(counter)")
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return plain + [0xFF, 10, 0x80, 27, 32]
        case 1: return plain + [UInt8](repeating: 0xC3, count: 255 - plain.count)
        default: return plain
        }
    }

    /// Makes or changes a file: its length, owner and time are new.
    mutating func write(_ path: [UInt8]) throws {
        let file = unsafe withPath(path) {
            unsafe open($0, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o644)
        }
        try check(file)
        defer { close(file) }
        try check(ftruncate(file, Int.random(in: 0...100_000, using: &random)))
        if geteuid() == 0 {
            try check(fchown(file, UInt32.random(in: 20_000...20_009, using: &random), 20_000))
        }
        let second = Int.random(in: 1_000_000_000...1_700_000_000, using: &random)
        var times = (
            timespec(tv_sec: second, tv_nsec: 0),
            timespec(tv_sec: second, tv_nsec: Int.random(in: 0..<1_000_000_000, using: &random))
        )
        try check(
            unsafe withUnsafeBytes(of: &times) {
                unsafe futimens(file, $0.bindMemory(to: timespec.self).baseAddress)
            })
    }

    /// Changes as many things as asked.
    mutating func mutate(_ count: Int) throws {
        for _ in 0..<count {
            var listing = try Listing.find(root)
            listing[[]] = nil
            let paths = listing.keys.sorted { $0.lexicographicallyPrecedes($1) }
            let directories = paths.filter { listing[$0]?.isDirectory == true }
            let files = paths.filter { listing[$0].map { $0.mode & 0o170000 == 0o100000 } ?? false }
            guard let file = files.randomElement(using: &random),
                let folder = directories.randomElement(using: &random)
            else { return }
            let (filePath, folderPath) = (full(file), full(folder))
            let fresh = folderPath + [UInt8(ascii: "/")] + name()
            switch Int.random(in: 0..<12, using: &random) {
            case 0, 1: try write(fresh)
            case 2: try unsafe check(withPath(filePath) { unsafe unlink($0) })
            case 3: try unsafe check(withPath(filePath) { unsafe lchown($0, 20_050, 20_050) })
            case 4: try unsafe check(withPath(filePath) { unsafe chmod($0, 0o600) })
            case 5: try write(filePath)
            case 6: try rename(filePath, fresh)
            case 7: try unsafe check(withPath(fresh) { unsafe mkdir($0, 0o700) })
            case 8: try remove(folderPath)
            case 9:
                // Not into itself.
                guard let target = directories.randomElement(using: &random), !target.starts(with: folder)
                else { continue }
                try rename(folderPath, full(target) + [UInt8(ascii: "/")] + name())
            case 10: try unsafe check(withPath(folderPath) { unsafe chmod($0, 0o711) })
            default: try unsafe check(withPath(folderPath) { unsafe lchown($0, 20_060, 20_060) })
            }
        }
    }

    /// rm -rf.
    private func remove(_ path: [UInt8]) throws {
        // The words of a child are text, and a path may be none.
        let scratch = try ScratchFolder()
        let list = scratch.path + "/list"
        try Descriptor.open(list, O_WRONLY | O_CREAT).writeAll(path + [0])
        let silent = try Descriptor.open("/dev/null", O_RDWR)
        var child = ChildProcess(
            "/usr/bin/xargs", descriptors: [try Descriptor.open(list, O_RDONLY), silent, silent])
        child.arguments = ["-0", "/bin/rm", "-rf"]
        _ = ChildProcess.wait(for: try child.start())
    }

    private func rename(_ old: [UInt8], _ new: [UInt8]) throws {
        try unsafe check(withPath(old) { old in unsafe withPath(new) { unsafe Glibc.rename(old, $0) } })
    }

    private func full(_ path: [UInt8]) -> [UInt8] { bytes(root) + [UInt8(ascii: "/")] + path }

    private func check(_ result: Int32) throws { try SystemError.check(result, "tree maker") }
}

/// Calls `body` with the path as a C string.
func withPath<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    unsafe (path + [0]).map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("there is a NUL at least") }
        return unsafe body(start)
    }
}
