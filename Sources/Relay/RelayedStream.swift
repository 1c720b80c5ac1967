import SSH

/// One direction of a relayed channel: bytes move from one channel to another as the second one's window allows.
///
/// At most one batch is held outside libssh: what a channel refused in mid-write, as it does while keys are exchanged.
struct RelayedStream {
    /// The number of bytes moved at a time: fewer system calls without losing fairness between channels.
    static let batchSize = 128 * 1024

    private let stream: Channel.Stream
    private var leftover: ArraySlice<UInt8> = []

    /// Sees each batch before it is passed on, and says whether it may be; must not keep it.
    var tap: ((ArraySlice<UInt8>) -> Bool)?
    /// Sees what nobody will read any more.
    var drain: ((ArraySlice<UInt8>) -> Void)?

    /// Bytes moved so far.
    private(set) var byteCount: UInt64 = 0

    init(_ stream: Channel.Stream) {
        self.stream = stream
    }

    /// Whether everything that arrived from `source` has been passed on.
    func isDrained(from source: Channel) -> Bool {
        leftover.isEmpty && source.buffered(stream) == 0
    }

    /// Moves one batch.
    ///
    /// - Returns: whether another batch could follow at once.
    mutating func move(from source: Channel, to sink: Channel, through buffer: inout [UInt8]) -> Bool {
        if !leftover.isEmpty {
            guard sink.transport.hasRoom else { return false }
            pass(leftover, to: sink)
            if !leftover.isEmpty { return false }
        }
        let available = source.buffered(stream)
        guard available > 0, sink.transport.hasRoom else { return false }
        if sink.isClosed || sink.isClosedByPeer {
            // Nobody will read it any more.
            let count = source.read(stream, into: &buffer, limit: Self.batchSize)
            if count > 0 { drain?(buffer[..<count]) }
            return source.buffered(stream) > 0
        }
        let window = sink.window
        guard window > 0 else { return false }
        let count = source.read(stream, into: &buffer, limit: min(window, Self.batchSize))
        guard count > 0 else { return false }
        if let tap, !tap(buffer[..<count]) { return false }
        pass(buffer[..<count], to: sink)
        return leftover.isEmpty && source.buffered(stream) > 0 && sink.window > 0
    }

    private mutating func pass(_ bytes: ArraySlice<UInt8>, to sink: Channel) {
        guard let taken = sink.write(stream, bytes) else {
            leftover = []
            return
        }
        byteCount += UInt64(taken)
        leftover = taken == bytes.count ? [] : ArraySlice(Array(bytes.dropFirst(taken)))
    }
}
