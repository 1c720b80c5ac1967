package import Control
import Glibc
package import Support

/// The control channel to the daemon: one request at a time, answered in order.
///
/// The daemon may go away (a restart): then requests are refused for good, and the session goes on with what it has.
package final class DaemonLink {
    /// What the daemon answered, with the descriptors that came along.
    package typealias Answer = (reply: SessionReply, descriptors: [Descriptor])

    private let socket: MessageSocket
    private var waiting: [(request: SessionRequest, completion: (Answer) -> Void)] = []

    /// Whether the daemon is there.
    package private(set) var isAlive = true

    package init(_ socket: MessageSocket) {
        self.socket = socket
    }

    /// For poll(2).
    package var descriptor: Descriptor { socket.descriptor }

    private static let gone = SessionReply.refused(
        reason: "the gateway has been restarted since this session began: log in again")

    /// Asks, and calls `completion` from a later `receive`.
    package func ask(_ request: SessionRequest, completion: @escaping (Answer) -> Void) {
        guard isAlive else { return completion((Self.gone, [])) }
        guard request.encoded.count <= MessageSocket.messageLimit else {
            return completion((.refused(reason: "the request is too long"), []))
        }
        waiting.append((request, completion))
        if waiting.count == 1 { sendFirst() }
    }

    /// Asks and waits for the answer; only before the relay runs.
    ///
    /// - Parameter client: a socket; when it hangs up nobody waits any more, and the daemon is given up.
    package func askAndWait(_ request: SessionRequest, for client: Descriptor? = nil) -> Answer {
        var answer: Answer?
        ask(request) { answer = $0 }
        while answer == nil {
            if let client, hangsUpFirst(client) { abandon() } else { receive() }
        }
        return answer ?? (Self.gone, [])
    }

    /// POLLRDHUP of poll(2), which <poll.h> hides from Swift.
    private static let hangUp: Int16 = 0x2000

    /// Waits for the daemon's answer or the client's end.
    private func hangsUpFirst(_ client: Descriptor) -> Bool {
        var entries = [
            pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: client.number, events: Self.hangUp, revents: 0),
        ]
        while unsafe poll(&entries, 2, -1) < 0 {
            guard errno == EINTR else { return false }
        }
        return entries[0].revents == 0
    }

    /// Tells the daemon that the journal has grown, unless it is about to hear it anyway.
    package func noteJournalGrowth() {
        let isQueued = waiting.dropFirst().contains { $0.request == .journalGrew }
        if isAlive, !isQueued { ask(.journalGrew) { _ in } }
    }

    /// Takes one answer; call when the descriptor is readable.
    package func receive() {
        do {
            guard let (message, descriptors) = try socket.receive() else { return abandon() }
            let reply = try SessionReply(decoding: message)
            guard !waiting.isEmpty else { return abandon() }
            let first = waiting.removeFirst()
            if !waiting.isEmpty { sendFirst() }
            first.completion((reply, descriptors))
        } catch {
            abandon()
        }
    }

    private func sendFirst() {
        var message = waiting[0].request.encoded
        // There may be a password in it.
        defer { message.clear() }
        do { try socket.send(message) } catch { abandon() }
    }

    private func abandon() {
        isAlive = false
        let unanswered = waiting
        waiting = []
        for entry in unanswered { entry.completion((Self.gone, [])) }
    }
}
