import CSupport
import Configuration
import Glibc
import Sandbox
import Support

/// `gatehouse-front`: accepts clients for the daemon, and has them wait while there is none.
package enum FrontProgram {
    private static let usage = """
        usage: gatehouse-front [-f FILE]
        Accepts clients for gatehoused, where FrontEnd says so: gatehouse-front(8).

        """
    /// How long those who wait may take at the end.
    private static let patience = Duration.seconds(2)

    /// Does what the words after the program's name ask for.
    ///
    /// - Returns: the exit status.
    package static func run(_ words: some Sequence<String>) -> Int32 {
        let words = Array(words)
        let path: String
        switch words.first {
        case nil: path = Configuration.defaultPath
        case "-f" where words.count == 2: path = words[1]
        case "--help" where words.count == 1:
            print(usage, terminator: "")
            return 0
        default:
            complain(usage)
            return 64
        }
        do {
            return try serve(path)
        } catch let error as ConfigurationError {
            for problem in error.problems { complain("gatehouse-front: \(problem)\n") }
            return 78
        } catch let error as StartupError {
            complain("gatehouse-front: \(error)\n")
            return 78
        } catch {
            complain("gatehouse-front: \(error)\n")
            return 1
        }
    }

    private static func serve(_ path: String) throws -> Int32 {
        guard geteuid() != 0, getuid() != 0 else {
            throw StartupError("it never runs as root; its unit has User=gatehouse-front")
        }
        let (sockets, desk) = try sorted(ServiceManager.takeSockets())
        let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP])
        let configuration = Locked(try Configuration.load(path: path))
        guard configuration.withLock({ $0.hasFrontEnd }) else {
            throw StartupError("no daemon would come for clients: \(path) needs FrontEnd yes")
        }
        let current: @Sendable () -> Configuration = { configuration.withLock { $0 } }
        let log: @Sendable () -> Log = { Log(threshold: current().logLevel) }
        let refusals = Refusals(log: log)
        let entrance = try Entrance(
            sockets: sockets, configuration: current, refusals: refusals, log: log)
        try confine(readable: folder(of: path))

        let room = WaitingRoom(current())
        try Courier(at: desk, from: room, refusals: refusals, log: log).start()
        try entrance.open { client, peer in
            guard current().networks.admit(peer.host) else {
                // Strangers are told nothing at all.
                return refusals.complain(about: peer, because: "AllowFrom, DenyFrom")
            }
            do throws(ConnectionLimits.Refusal) {
                try room.take(.init(client, from: peer, until: .now + current().loginGraceTime))
            } catch {
                refusals.refuse(client, from: peer, because: error.rawValue)
            }
        }
        log().notice("ready", ["listen": entrance.addresses])

        while signals.next() == SIGHUP {
            do throws(ConfigurationError) {
                let new = try Configuration.load(path: path)
                configuration.withLock { $0 = new }
                room.use(new)
                log().notice("configuration read again")
            } catch {
                log().error("the configuration is wrong; the old one stays", ["error": "\(error)"])
            }
        }

        let deadline = MonotonicTime.now + patience
        entrance.close(until: deadline)
        _ = room.empties(until: deadline)
        log().notice("stopped")
        return 0
    }

    /// Gives up what is not needed any more, and tells systemd that clients may come.
    ///
    /// Ends the connection to systemd too, and comes before there is one of a client: a datagram could take that to any process.
    ///
    /// - Parameter folder: what is read again is the configuration, which an editor replaces by another file in its folder.
    private static func confine(readable folder: String) throws(SystemError) {
        let manager = ServiceManager()
        gh_forbid_tracing()
        try Sandbox.enter(.front, readable: [folder])
        manager.notify("READY=1")
    }

    /// Tells the sockets of clients and the daemon's apart.
    private static func sorted(
        _ sockets: [Descriptor]
    ) throws(StartupError) -> (clients: [Descriptor], daemon: Descriptor) {
        let desks = sockets.filter { SocketKind(of: $0)?.listensForMessages == true }
        guard desks.count == 1 else {
            throw StartupError(
                "systemd has given \(desks.count) sockets for the daemon; gatehouse-front-daemon.socket has one ListenSequentialPacket=/run/gatehouse/front.sock"
            )
        }
        let clients = sockets.filter { SocketKind(of: $0)?.listensForMessages != true }
        guard !clients.isEmpty else {
            throw StartupError(
                "systemd has given no socket for clients; gatehouse-front.socket needs ListenStream=PORT")
        }
        return (clients, desks[0])
    }

    private static func folder(of path: String) -> String {
        guard let end = path.lastIndex(of: "/") else { return "." }
        return end == path.startIndex ? "/" : String(path[..<end])
    }

    private static func complain(_ text: String) {
        _ = unsafe text.utf8CString.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count - 1) }
    }
}
