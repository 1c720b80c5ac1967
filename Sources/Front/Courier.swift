import Control
import Glibc
package import Support

/// Brings the clients that wait to the daemon, one after the other, whenever there is a daemon.
///
/// The daemon connects, and the connection is accepted when there is a client for it.
package final class Courier: Sendable {
    /// Before the next attempt to accept a connection, after one has failed.
    private static let pause = Duration.milliseconds(50)

    /// A connection of the daemon.
    private struct Line {
        let socket: MessageSocket
        /// Whether the daemon has said that it takes clients.
        var isOpen = false
    }

    private let listener: Descriptor
    private let owner: UInt32
    private let room: WaitingRoom
    private let refusals: Refusals
    private let log: @Sendable () -> Log

    /// - Parameters:
    ///   - listener: where the daemon connects; systemd's too.
    ///   - owner: whom the daemon runs as.
    package init(
        at listener: Descriptor, of owner: UInt32 = 0, from room: WaitingRoom, refusals: Refusals,
        log: @escaping @Sendable () -> Log
    ) {
        (self.listener, self.owner, self.room) = (listener, owner, room)
        (self.refusals, self.log) = (refusals, log)
    }

    /// Works for good, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    package func start() throws(SystemError) {
        try Thread.start("courier") { [self] in
            var line: Line?
            var complaints = RateLimit(interval: .seconds(10))
            while true {
                let client = room.first()
                if !bring(client, by: &line, &complaints) {
                    refusals.refuse(client.socket, from: client.address, because: "LoginGraceTime")
                }
                room.removeFirst()
            }
        }
    }

    /// Has the daemon take a client; false: there was none in time.
    private func bring(
        _ client: WaitingRoom.Client, by line: inout Line?, _ complaints: inout RateLimit
    ) -> Bool {
        guard let address = IPAddress(client.address.host) else { return false }
        let message = FrontMessage.client(address, port: client.address.port).encoded
        while .now < client.deadline {
            if line == nil {
                guard listener.waits(for: Int16(POLLIN), until: client.deadline) else { return false }
                line = accept(&complaints)
            }
            do {
                guard let socket = line?.socket else { continue }
                if line?.isOpen == false {
                    guard socket.descriptor.waits(for: Int16(POLLIN), until: client.deadline) else {
                        return false
                    }
                    try Self.expect(.welcome, from: socket)
                    line?.isOpen = true
                }
                try socket.send(message, with: [client.socket])
                guard socket.descriptor.waits(for: Int16(POLLIN), until: client.deadline) else {
                    // It has the client, and does not come to say so.
                    line = nil
                    return true
                }
                try Self.expect(.taken, from: socket)
                return true
            } catch {
                // It is gone, and the client is still here; perhaps another one has connected.
                line = nil
                log().debug("a connection of the daemon has ended", ["error": "\(error)"])
            }
        }
        return false
    }

    /// Takes the daemon's next connection; nil, after a pause: that was none.
    ///
    /// The permissions of the socket let the daemon alone connect; this finds out if they do not.
    private func accept(_ complaints: inout RateLimit) -> Line? {
        do {
            let socket = try MessageSocket.accept(from: listener)
            let peer = try socket.peer()
            if peer.uid == owner { return Line(socket: socket) }
            throw WireError("uid \(peer.uid) (pid \(peer.pid)) is not the daemon's")
        } catch {
            if let others = complaints.pass(at: .now) {
                log().error("refused at front.sock", ["error": "\(error)", "more": String(others)])
            }
            usleep(UInt32(Self.pause.milliseconds * 1_000))
            return nil
        }
    }

    private static func expect(_ message: FrontMessage, from socket: MessageSocket) throws {
        guard let answer = try socket.receive() else { throw WireError("it has closed the connection") }
        guard try FrontMessage(decoding: answer.message) == message else {
            throw WireError("it answers with another message")
        }
    }
}
