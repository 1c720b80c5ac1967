import Control
import SSH
import Support

/// One channel of the client joined to something: a channel of the host, a socket, a command, a sentence.
class Link {
    /// The client's channel.
    let client: Channel

    init(client: Channel) {
        self.client = client
    }

    /// Bytes that came from and went to the client.
    var traffic: (fromClient: UInt64, toClient: UInt64) { (0, 0) }

    /// Takes a request that the client made on this channel.
    func take(_ message: IncomingMessage) {
        message.refuse()
    }

    /// Does what can be done now.
    ///
    /// - Returns: whether more could be done at once.
    func advance(through buffer: inout [UInt8], now: MonotonicTime) -> Bool { false }

    /// Adds what it waits for besides the transports.
    func register(with poller: inout Poller) {}

    /// Shows a sentence where a person reads it, and goes on.
    func warn(_ sentence: String) {}

    /// Shows the person a sentence and ends.
    func end(because sentence: String) {
        client.close()
    }

    /// Notes in the journal what became of it; called once, at its end.
    func noteEnd() {}

    /// Whether nothing is left to do, so that the channels can be freed.
    ///
    /// A channel is kept until both sides have closed it: libssh's messages point to it.
    var isFinished: Bool { client.isClosed && (client.isClosedByPeer || client.transport.isClosed) }
}

extension Channel {
    /// Writes a sentence to the error stream, as a line of its own in raw terminals too.
    func explain(_ sentence: String) {
        let line = Array("gatehouse: \(sentence)\r\n".utf8)
        _ = write(.error, line[...])
    }
}
