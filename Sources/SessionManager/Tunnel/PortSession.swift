internal import AWS
internal import Glibc
internal import Support

/// One session of Session Manager with the connection to its stream, which may break and be made again.
final class PortSession {
    private let service: SSMClient
    private let certificateFile: String?
    private let attemptLimit: Int
    private var access: StreamAccess
    /// The connection in use.
    private(set) var socket: WebSocket

    var id: String { access.sessionID }

    /// Opens a session and connects with its stream; blocks for as long as both take.
    ///
    /// - Parameter announce: is told the session's identifier.
    /// - Throws: `AWSError`, `ChannelError`; then no session is left.
    init(
        _ session: AWSSession, instanceID: String, port: UInt16, reason: String, attemptLimit: Int,
        announce: (String) -> Void
    ) throws {
        let service = SSMClient(session)
        let access = try service.startPortSession(instanceID: instanceID, port: port, reason: reason)
        announce(access.sessionID)
        do {
            socket = try Self.connect(access, session.certificateFile, attemptLimit: attemptLimit)
        } catch {
            try? service.terminateSession(access.sessionID)
            throw error
        }
        self.service = service
        self.access = access
        self.attemptLimit = attemptLimit
        certificateFile = session.certificateFile
    }

    /// Goes on over a new connection.
    ///
    /// - Throws: `AWSError`, `ChannelError`: `ended` when the session is over meanwhile.
    func resume() throws {
        guard let fresh = try service.resumeSession(access.sessionID) else {
            throw ChannelError(.ended, "the session ended while the connection was broken")
        }
        // The service may leave the address out of sight; the stream stays where it was.
        access = StreamAccess(sessionID: access.sessionID, url: access.url, token: fresh.token)
        socket = try Self.connect(access, certificateFile, attemptLimit: attemptLimit)
    }

    /// Ends the session at the service; a failure is of no consequence, since idle sessions end by themselves.
    func terminate() {
        try? service.terminateSession(access.sessionID)
    }

    /// Connects and presents the token.
    private static func connect(
        _ access: StreamAccess, _ certificateFile: String?, attemptLimit: Int
    ) throws(ChannelError) -> WebSocket {
        let url = try StreamURL(access.url)
        var pause = Duration.milliseconds(Int64.random(in: 100...200))
        var attempt = 0
        while true {
            attempt += 1
            do throws(ChannelError) {
                let socket = try WebSocket(url, certificateFile: certificateFile)
                socket.send(.text, try hello(access.token))
                return socket
            } catch {
                guard error.code == .disconnected, attempt < attemptLimit else { throw error }
            }
            usleep(useconds_t(pause.milliseconds * 1_000))
            pause = min(pause * 2, .seconds(5))
        }
    }

    private static func hello(_ token: String) throws(ChannelError) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return try Payloads.encode(
            Payloads.Hello(
                requestId: MessageID(using: &random).text, tokenValue: token,
                clientId: MessageID(using: &random).text))
    }
}
