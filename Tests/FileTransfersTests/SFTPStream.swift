import FileTransfers
import Support

/// What two ends of an SFTP connection send, in order.
struct SFTPStream {
    private(set) var parts: [(peer: TransferPeer, bytes: [UInt8])] = []

    mutating func client(_ type: UInt8, _ fields: (inout WireWriter) -> Void) {
        add(.client, type, fields)
    }

    mutating func host(_ type: UInt8, _ fields: (inout WireWriter) -> Void) {
        add(.host, type, fields)
    }

    private mutating func add(_ peer: TransferPeer, _ type: UInt8, _ fields: (inout WireWriter) -> Void) {
        var body = WireWriter()
        body.byte(type)
        fields(&body)
        var message = WireWriter()
        message.data(body.bytes)
        parts.append((peer, message.bytes))
    }

    mutating func start() {
        client(1) { $0.uint32(3) }
        host(2) { $0.uint32(3) }
    }

    mutating func open(_ path: String, _ flags: UInt32, number: UInt32 = 1, handle: String = "h") {
        client(3) {
            $0.uint32(number)
            $0.string(path)
            $0.uint32(flags)
            $0.uint32(0)
        }
        host(102) {
            $0.uint32(number)
            $0.string(handle)
        }
    }

    mutating func write(
        _ text: String, at offset: UInt64, number: UInt32 = 2, handle: String = "h", status code: UInt32 = 0
    ) {
        client(6) {
            $0.uint32(number)
            $0.string(handle)
            $0.uint64(offset)
            $0.string(text)
        }
        status(number, code)
    }

    mutating func read(_ text: String, at offset: UInt64, number: UInt32 = 3, handle: String = "h") {
        client(5) {
            $0.uint32(number)
            $0.string(handle)
            $0.uint64(offset)
            $0.uint32(32_768)
        }
        host(103) {
            $0.uint32(number)
            $0.string(text)
        }
    }

    mutating func close(number: UInt32 = 4, handle: String = "h", status code: UInt32 = 0) {
        client(4) {
            $0.uint32(number)
            $0.string(handle)
        }
        status(number, code)
    }

    /// A request that has a path or more, and the host's answer.
    mutating func change(_ type: UInt8, _ texts: String..., status code: UInt32 = 0) {
        client(type) {
            $0.uint32(9)
            for text in texts { $0.string(text) }
        }
        status(9, code)
    }

    /// The beginning of a copy within the host.
    mutating func copy(_ source: String, _ target: String) {
        client(200) {
            $0.uint32(7)
            $0.string("copy-data")
            $0.string(source)
            $0.uint64(0)
            $0.uint64(0)
            $0.string(target)
            $0.uint64(0)
        }
    }

    mutating func status(_ number: UInt32, _ code: UInt32) {
        host(101) {
            $0.uint32(number)
            $0.uint32(code)
            $0.string("text")
            $0.string("")
        }
    }

    /// What a trail says of it, taken in pieces of at most `size` bytes.
    func followed(wantsDigests: Bool = true, pieces size: Int = .max) -> (
        operations: [FileOperation], trail: SFTPTrail
    ) {
        let trail = SFTPTrail(wantsDigests: wantsDigests)
        var operations: [FileOperation] = []
        for (peer, bytes) in parts {
            var rest = bytes[...]
            while !rest.isEmpty {
                operations += trail.take(rest.prefix(size), from: peer)
                rest = rest.dropFirst(size)
            }
        }
        return (operations, trail)
    }
}
