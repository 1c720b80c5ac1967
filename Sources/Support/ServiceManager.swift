import Glibc

/// systemd, which started this process, as far as it has given it sockets and waits to hear how far it is.
package struct ServiceManager: Sendable {
    /// More sockets than anybody gives.
    private static let socketLimit: Int32 = 64

    private let line: UnixDatagram?

    /// Connects to the socket of `NOTIFY_SOCKET`, sd_notify(3), if there is one; call it before a sandbox forbids that.
    package init() {
        // Where nobody listens, nobody waits.
        line = Self.variable("NOTIFY_SOCKET").flatMap { try? UnixDatagram(to: $0) }
    }

    /// Sends one state such as `READY=1` to whoever waits for it.
    package func notify(_ state: String) {
        try? line?.send(Array(state.utf8))
    }

    /// The listening sockets that this process was started with, as sd_listen_fds(3) has them; empty: none.
    ///
    /// Call it once, while there is one thread. Takes the variables away, so that nothing that is started later goes by them. The sockets
    /// are systemd's too: they must never be shut down.
    package static func takeSockets() -> [Descriptor] {
        let (process, count) = (variable("LISTEN_PID"), variable("LISTEN_FDS"))
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        guard let process, let count, Int32(process) == getpid(), let count = Int32(count), count > 0 else {
            return []
        }
        return (3..<3 + min(count, socketLimit)).compactMap { number in
            fcntl(number, F_SETFD, FD_CLOEXEC) == 0 ? Descriptor(adopting: number) : nil
        }
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
