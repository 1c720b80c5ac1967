import Glibc
import Relay

/// The entry of `gatehouse-session`: one connection, started by the daemon only.
@main
enum SessionProgram {
    static func main() {
        exit(SessionProcess.run(CommandLine.arguments))
    }
}
