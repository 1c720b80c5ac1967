import Glibc
import Support
import TestSupport
import Testing

@Suite("Descriptors")
struct DescriptorTests {
    @Test("files are written and read, up to a limit")
    func files() throws {
        let folder = try ScratchFolder()
        let path = try folder.write("twelve bytes", to: "file")
        let file = try Descriptor.open(path, O_RDONLY)
        #expect(fcntl(file.number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try file.readAll(limit: 12) == Array("twelve bytes".utf8))
        #expect(throws: SystemError("read", number: EFBIG)) {
            try Descriptor.open(path, O_RDONLY).readAll(limit: 11)
        }
        let missing = SystemError("open \(folder.path)/none", number: ENOENT)
        #expect(missing.description == "open \(folder.path)/none: No such file or directory")
        #expect(throws: missing) { try Descriptor.open(folder.path + "/none", O_RDONLY) }
    }

    @Test("what is longer than a pipe is written as its reader takes it")
    func pipes() throws {
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
        let pipe = try Descriptor.pipe()
        let read = Locked<[UInt8]>([])
        runInParallel(2) { index in
            if index == 0 {
                try? pipe.write.writeAll(bytes)
            } else {
                var buffer = [UInt8](repeating: 0, count: 50_000)
                var all: [UInt8] = []
                while all.count < bytes.count, let count = try? pipe.read.read(into: &buffer) {
                    all += buffer[..<count]
                }
                let result = all
                read.withLock { $0 = result }
            }
        }
        #expect(read.withLock { $0 } == bytes)
    }

    @Test("a duplicate is the same open file, and stays when the first goes")
    func duplicates() throws {
        let pipe = try Descriptor.pipe()
        let copy = try pipe.write.duplicate()
        #expect(copy.number != pipe.write.number)
        try copy.writeAll([1])
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(try pipe.read.read(into: &buffer) == 1)
    }

    @Test("waiting ends with the event or the deadline")
    func waits() throws {
        let pipe = try Descriptor.pipe()
        #expect(!pipe.read.waits(for: Int16(POLLIN), until: .now + .milliseconds(2)))
        try pipe.write.writeAll([1])
        #expect(pipe.read.waits(for: Int16(POLLIN), until: nil))
        try pipe.read.setNonBlocking(true)
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(try pipe.read.read(into: &buffer) == 1)
        #expect(throws: SystemError("read", number: EAGAIN)) { try pipe.read.read(into: &buffer) }
    }

    @Test("a lock belongs to the open file, is seen by others and goes with its last descriptor")
    func locks() throws {
        let folder = try ScratchFolder()
        let path = try folder.write("", to: "journal")
        let other = try Descriptor.open(path, O_RDWR)
        try lockAndCheck(path, other)
        #expect(try !other.isLocked())
        try other.lock()
    }

    private func lockAndCheck(_ path: String, _ other: Descriptor) throws {
        let file = try Descriptor.open(path, O_RDWR)
        try file.lock()
        #expect(try other.isLocked())
        #expect(throws: SystemError("lock", number: EAGAIN)) { try other.lock() }
    }
}
