import Glibc
import Monitor

/// The entry of `gatehoused`.
@main
enum Daemon {
    static func main() {
        // Threads may be at work: leave without tearing down what they use.
        let status = GatewayDaemon.run(CommandLine.arguments.dropFirst())
        fflush(nil)
        _exit(status)
    }
}
