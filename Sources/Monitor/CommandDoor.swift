import Commands
import Control
import Glibc
import Support

/// The Unix socket at which `gatehouse` asks the daemon to run commands.
///
/// Root and the daemon's own user are the operator; everybody else is told no.
final class CommandDoor: Sendable {
    /// Operators served at once.
    private static let clientLimit = 64
    /// Others that are being told no at once; more than these are hung up on.
    private static let strangerLimit = 8
    private static let strangerPatience = Duration.seconds(2)

    private let listener: Descriptor
    private let service: @Sendable () -> CommandService
    private let log: @Sendable () -> Log
    private let counts = Locked((clients: 0, strangers: 0))
    private let isClosed = Locked(false)

    /// Listens at `path`.
    ///
    /// - Throws: `SystemError`.
    init(
        at path: String, service: @escaping @Sendable () -> CommandService,
        log: @escaping @Sendable () -> Log
    ) throws(SystemError) {
        listener = try MessageSocket.listen(at: path, mode: 0o666)
        self.service = service
        self.log = log
    }

    /// Accepts until `close`, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws(SystemError) {
        try Thread.start("commands") { [self] in
            while !isClosed.withLock({ $0 }) {
                do {
                    receive(try MessageSocket.accept(from: listener))
                } catch {
                    if isClosed.withLock({ $0 }) { return }
                    log().error("cannot accept a command", ["error": "\(error)"])
                    usleep(100_000)
                }
            }
        }
    }

    /// Stops accepting; commands that run go on.
    func close() {
        isClosed.withLock { $0 = true }
        shutdown(listener.number, Int32(SHUT_RDWR))
    }

    private func receive(_ client: MessageSocket) {
        guard let uid = try? client.peer().uid else { return }
        let isOperator = uid == 0 || uid == geteuid()
        let hasRoom = counts.withLock { counts in
            if isOperator {
                counts.clients += 1
                return counts.clients <= Self.clientLimit
            }
            counts.strangers += 1
            return counts.strangers <= Self.strangerLimit
        }
        let leave: @Sendable () -> Void = { [counts] in
            counts.withLock { counts in
                if isOperator { counts.clients -= 1 } else { counts.strangers -= 1 }
            }
        }
        guard hasRoom else {
            leave()
            return
        }
        do {
            try Thread.start("command") { [self] in
                defer { leave() }
                if isOperator {
                    service().serve(client, for: .operatorOnMachine(uid: uid))
                } else {
                    log().notice("command refused", ["peer.uid": String(uid)])
                    refuse(client)
                }
            }
        } catch {
            leave()
            log().error("cannot run a command", ["error": "\(error)"])
        }
    }

    private func refuse(_ client: MessageSocket) {
        // Its request must be read first: closing a socket with unread messages would also drop the answer.
        let deadline = MonotonicTime.now + Self.strangerPatience
        guard client.descriptor.waits(for: Int16(POLLIN), until: deadline),
            (try? client.receive()) != nil
        else { return }
        let text =
            "gatehouse: only root may use this socket\nhint: use sudo, or: ssh USER+gate@GATEWAY help\n"
        try? client.send(CommandMessage.error(Array(text.utf8)).encoded)
        try? client.send(CommandMessage.exit(77).encoded)
        client.shutDown()
    }
}
