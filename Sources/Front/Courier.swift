import Control
import Glibc
package import Support

/// Brings the clients that wait to the daemon, one after the other, whenever there is a daemon.
package final class Courier: Sendable {
    /// Between two attempts to reach it.
    private static let pause = Duration.milliseconds(50)

    /// A connection to the daemon.
    private struct Line {
        let socket: MessageSocket
        /// Whether the daemon has said that it takes clients.
        var isOpen = false
    }

    private let path: String
    private let room: WaitingRoom
    private let refusals: Refusals
    private let log: @Sendable () -> Log

    /// - Parameter path: the socket of the daemon.
    package init(
        to path: String, from room: WaitingRoom, refusals: Refusals, log: @escaping @Sendable () -> Log
    ) {
        (self.path, self.room, self.refusals, self.log) = (path, room, refusals, log)
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
            do {
                if line == nil { line = Line(socket: try MessageSocket.connect(to: path)) }
                guard let socket = line?.socket else { return false }
                if line?.isOpen == false {
                    // One that is being started takes its time, and is not asked twice.
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
                // It is gone, and the client is still here.
                line = nil
                if let others = complaints.pass(at: .now) {
                    log().warning(
                        "the daemon takes no clients; they wait",
                        ["error": "\(error)", "more": String(others)])
                }
                usleep(UInt32(Self.pause.milliseconds * 1_000))
            }
        }
        return false
    }

    private static func expect(_ message: FrontMessage, from socket: MessageSocket) throws {
        guard let answer = try socket.receive() else { throw WireError("it has closed the connection") }
        guard try FrontMessage(decoding: answer.message) == message else {
            throw WireError("it answers with another message")
        }
    }
}
