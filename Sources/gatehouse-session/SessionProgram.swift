import Glibc
import Relay

/// The entry of `gatehouse-session`: one connection, started by the daemon only.
@main
enum SessionProgram {
    static func main() {
        // Nothing is left for handlers at exit, and OpenSSL's would take everything apart piece by piece.
        _exit(SessionProcess.run(CommandLine.arguments))
    }
}
