import Glibc
import SessionManager

/// The entry of `gatehouse-ssm`: one tunnel to a port of an instance, as ssh's ProxyCommand.
@main
enum TunnelMain {
    static func main() {
        exit(TunnelProgram.run(CommandLine.arguments.dropFirst()))
    }
}
