import CSupport
import Control
import Glibc
import SSH
import Sandbox
import Support

/// The process of one connection, started by the daemon with everything it needs.
///
/// Descriptors: 2 log, 3 control channel, 4 the client's socket, 5 journal. It opens no file and makes no connection. With an argument it plays
/// one of two smaller parts: `run COMMAND` (a program on a host for the daemon) and `keyscan` (the keys a host shows).
package enum SessionProcess {
    /// Plays the part that the arguments name.
    ///
    /// - Returns: the exit status.
    package static func run(_ arguments: [String]) -> Int32 {
        // A peer that is gone shows in the result of a write; a full journal likewise.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        gh_forbid_tracing()
        Library.prepare()
        do { try Sandbox.enter(.session) } catch {
            Log(context: []).error("session cannot be confined", ["error": "\(error)"])
            return 1
        }
        let daemon = DaemonLink(MessageSocket(Descriptor(adopting: 3)))
        switch arguments.dropFirst().first {
        case nil: return serve(daemon)
        case "run": return HostProgram.run(arguments.dropFirst(2).joined(separator: " "), daemon: daemon)
        case "keyscan": return KeyScan.run(daemon: daemon)
        default: return 64
        }
    }

    private static func serve(_ daemon: DaemonLink) -> Int32 {
        let client = Descriptor(adopting: 4)
        let journal = Journal(Descriptor(adopting: 5))
        let termination = gh_signal_descriptor(SIGTERM)
        // Nothing happens where nobody looks for it: a daemon may be newer than the sessions it finds.
        let warning = gh_signal_descriptor(SIGURG)
        guard termination >= 0, warning >= 0, case .settings(let settings) = daemon.askAndWait(.hello).reply
        else {
            return 1
        }
        do {
            try client.setNonBlocking(true)
            var login = try Login(daemon: daemon, settings: settings, client: client)
            guard let (transport, grant) = login.run() else { return 0 }
            let session = RelaySession(
                client: transport, daemon: daemon, settings: settings, grant: grant, journal: journal,
                terminationSignal: Descriptor(adopting: termination),
                warningSignal: Descriptor(adopting: warning))
            session.run()
            return 0
        } catch {
            Log(context: [("session.id", settings.session)]).error("session failed", ["error": "\(error)"])
            return 1
        }
    }
}
