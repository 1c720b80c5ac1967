import Control
import Glibc
import SSH
import Support

/// A jump: a client's channel joined to a socket that is connected to a host's sshd.
///
/// What passes is an SSH connection of the client's own, end to end; the gateway sees its length only.
final class SocketLink: Link {
    /// How long a host may take what a client had sent before it closed the channel.
    static let closePatience = Duration.seconds(10)

    private let socket: Descriptor
    /// Where its end is noted, and where it leads; nil: it is no jump.
    private let book: (journal: Journal, place: String)?
    private let started = MonotonicTime.now
    private var upward: ArraySlice<UInt8> = []
    private var downward: ArraySlice<UInt8> = []
    private var fromClient: UInt64 = 0
    private var toClient: UInt64 = 0
    private var socketHasEnded = false
    private var sentEnd = false
    private var closeDeadline: MonotonicTime?

    /// - Parameters:
    ///   - socket: connected; becomes non-blocking.
    ///   - book: where its end is noted, with the place that the daemon said; nil: nowhere.
    init(
        client: Channel, socket: Descriptor, book: (journal: Journal, place: String)? = nil
    ) throws(SystemError) {
        try socket.setNonBlocking(true)
        self.socket = socket
        self.book = book
        super.init(client: client)
    }

    override var traffic: (fromClient: UInt64, toClient: UInt64) { (fromClient, toClient) }

    override func noteEnd() {
        guard let book else { return }
        let time = MonotonicTime.now - started
        book.journal.append(
            .channelClosed(
                kind: "jump", detail: book.place, fromClient: fromClient, toClient: toClient,
                milliseconds: UInt64(max(0, time.milliseconds))))
    }

    override func advance(through buffer: inout [UInt8], now: MonotonicTime) -> Bool {
        guard !client.isClosed else { return false }
        if client.isClosedByPeer, isAbandoned(now: now) {
            fail()
            shutdown(socket.number, Int32(SHUT_RDWR))
            return false
        }
        let movedUp = moveUp(through: &buffer)
        let movedDown = moveDown(through: &buffer)
        if client.hasEnded, upward.isEmpty, client.buffered(.standard) == 0, !sentEnd {
            sentEnd = true
            shutdown(socket.number, Int32(SHUT_WR))
        }
        if socketHasEnded, downward.isEmpty { client.sendEnd() }
        if socketHasEnded, downward.isEmpty, sentEnd { client.close() }
        return movedUp || movedDown
    }

    /// Whether nothing is left to deliver for a client that has gone, or the host did not take it in time.
    private func isAbandoned(now: MonotonicTime) -> Bool {
        let deadline = closeDeadline ?? now + Self.closePatience
        closeDeadline = deadline
        return now >= deadline || upward.isEmpty && client.buffered(.standard) == 0
    }

    private func moveUp(through buffer: inout [UInt8]) -> Bool {
        if upward.isEmpty {
            let count = client.read(.standard, into: &buffer, limit: RelayedStream.batchSize)
            upward = buffer[..<count]
        }
        guard !upward.isEmpty else { return false }
        let sent = unsafe upward.withUnsafeBytes {
            unsafe send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent >= 0 else {
            upward = ArraySlice(Array(upward))
            if errno != EAGAIN, errno != EINTR { fail() }
            return false
        }
        fromClient += UInt64(sent)
        upward = sent == upward.count ? [] : ArraySlice(Array(upward.dropFirst(sent)))
        return upward.isEmpty && client.buffered(.standard) > 0
    }

    private func moveDown(through buffer: inout [UInt8]) -> Bool {
        guard client.transport.hasRoom else { return false }
        if downward.isEmpty, !socketHasEnded {
            let limit = min(client.window, RelayedStream.batchSize)
            guard limit > 0 else { return false }
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(socket.number, $0.baseAddress, limit, 0)
            }
            if count < 0 {
                if errno != EAGAIN, errno != EINTR { socketHasEnded = true }
                return false
            }
            if count == 0 { socketHasEnded = true }
            downward = buffer[..<count]
        }
        guard !downward.isEmpty else { return false }
        guard let taken = client.write(.standard, downward) else {
            fail()
            return false
        }
        toClient += UInt64(taken)
        downward = taken == downward.count ? [] : ArraySlice(Array(downward.dropFirst(taken)))
        return downward.isEmpty
    }

    private func fail() {
        upward = []
        downward = []
        socketHasEnded = true
        client.close()
    }

    override func register(with poller: inout Poller) {
        guard !client.isClosed else { return }
        if let closeDeadline { poller.limit(to: closeDeadline) }
        let reading = !socketHasEnded && downward.isEmpty && client.window > 0 && client.transport.hasRoom
        if reading || !upward.isEmpty { poller.add(socket, reading: reading, writing: !upward.isEmpty) }
    }
}
