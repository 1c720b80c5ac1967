import Glibc
import Support

/// Tells systemd, where it started this process and waits to hear, how far it is.
enum ServiceManager {
    /// Sends one state such as `READY=1`; does nothing without NOTIFY_SOCKET.
    static func notify(_ state: String) {
        guard let variable = unsafe getenv("NOTIFY_SOCKET") else { return }
        // Where nobody listens any more, nobody waits.
        try? UnixDatagram.send(Array(state.utf8), to: unsafe String(cString: variable))
    }
}
