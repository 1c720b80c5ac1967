import Glibc
import Support
import TestSupport
import Testing

@Suite("Message sockets")
struct MessageSocketTests {
    @Test("messages keep their bounds and their order")
    func bounds() throws {
        let (left, right) = try MessageSocket.pair()
        try left.send([1])
        try left.send([2, 2])
        try left.send([3, 3, 3])
        #expect(try right.receive()?.message == [1])
        #expect(try right.receive()?.message == [2, 2])
        #expect(try right.receive()?.message == [3, 3, 3])
    }

    @Test("the longest message passes, a longer one is refused before it is sent")
    func longest() throws {
        let (left, right) = try MessageSocket.pair()
        let longest = [UInt8](repeating: 7, count: MessageSocket.messageLimit)
        try left.send(longest)
        #expect(try right.receive()?.message == longest)
        #expect(throws: SystemError("send", number: EMSGSIZE)) { try left.send(longest + [7]) }
        try left.send([1])
        #expect(try right.receive()?.message == [1])
    }

    @Test("a longer message from a peer without our limit is an error, and its descriptors are closed")
    func oversize() throws {
        let (left, right) = try MessageSocket.pair()
        let pipe = try Descriptor.pipe()
        let tooLong = [UInt8](repeating: 7, count: MessageSocket.messageLimit + 1)
        let sent = unsafe tooLong.withUnsafeBytes { bytes in
            unsafe Glibc.send(left.descriptor.number, bytes.baseAddress, bytes.count, 0)
        }
        #expect(sent == tooLong.count)
        #expect(throws: SystemError("receive", number: EMSGSIZE)) { try right.receive() }
        try left.send([1], with: [pipe.read])
        #expect(try right.receive()?.descriptors.count == 1)
    }

    @Test("descriptors travel along, in order, and are not inherited by programs")
    func descriptors() throws {
        let (left, right) = try MessageSocket.pair()
        let pipes = try (0..<4).map { _ in try Descriptor.pipe() }
        try left.send([9], with: pipes.map(\.write))
        let received = try #require(try right.receive())
        #expect(received.message == [9])
        #expect(received.descriptors.count == 4)
        for (index, descriptor) in received.descriptors.enumerated() {
            #expect(fcntl(descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
            try descriptor.writeAll([UInt8(index)])
            var buffer = [UInt8](repeating: 0, count: 4)
            #expect(try pipes[index].read.read(into: &buffer) == 1)
            #expect(buffer[0] == UInt8(index))
        }
    }

    @Test("more descriptors than a message may carry are refused")
    func tooManyDescriptors() throws {
        let (left, _) = try MessageSocket.pair()
        let pipe = try Descriptor.pipe()
        let five = [Descriptor](repeating: pipe.read, count: 5)
        #expect(throws: SystemError("send", number: EINVAL)) { try left.send([1], with: five) }
    }

    @Test("descriptors of a message that nobody keeps are closed")
    func dropsDescriptors() throws {
        let (left, right) = try MessageSocket.pair()
        let reader = try sendWriter(over: left)
        try receiveAndDrop(right)
        var buffer = [UInt8](repeating: 0, count: 1)
        #expect(try reader.read(into: &buffer) == 0)
    }

    private func sendWriter(over socket: MessageSocket) throws -> Descriptor {
        let pipe = try Descriptor.pipe()
        try socket.send([1], with: [pipe.write])
        return pipe.read
    }

    private func receiveAndDrop(_ socket: MessageSocket) throws {
        #expect(try socket.receive()?.descriptors.count == 1)
    }

    @Test("the end of a peer is nil for the reader and EPIPE for the writer")
    func end() throws {
        let (left, right) = try MessageSocket.pair()
        try left.send([1])
        left.shutDown()
        #expect(try right.receive()?.message == [1])
        #expect(try right.receive() == nil)
        #expect(throws: SystemError("send", number: EPIPE)) { try right.send([1]) }
    }

    @Test("an empty message is taken for the end")
    func emptyMessage() throws {
        let (left, right) = try MessageSocket.pair()
        try left.send([])
        #expect(try right.receive() == nil)
    }

    @Test("a non-blocking reader is told that there is nothing")
    func nonBlocking() throws {
        let (left, right) = try MessageSocket.pair()
        try right.descriptor.setNonBlocking(true)
        #expect(throws: SystemError("receive", number: EAGAIN)) { try right.receive() }
        withExtendedLifetime(left) {}
    }

    @Test("a socket in the file system connects two and tells who the other is")
    func fileSystem() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/control.sock"
        for _ in 0..<2 {
            let listener = try MessageSocket.listen(at: path, mode: 0o666)
            var status = stat()
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o666)
            let client = try MessageSocket.connect(to: path)
            let server = try MessageSocket.accept(from: listener)
            #expect(fcntl(server.descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
            try client.send([5])
            #expect(try server.receive()?.message == [5])
            #expect(try server.peer().uid == getuid())
            #expect(try server.peer().pid == getpid())
        }
        #expect(throws: SystemError.self) { try MessageSocket.connect(to: folder.path + "/none") }
    }

    @Test("a path that does not fit a socket's address is refused")
    func longPath() {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        #expect(throws: SystemError("socket path \(path)", number: ENAMETOOLONG)) {
            try MessageSocket.connect(to: path)
        }
    }
}
