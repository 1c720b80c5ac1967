import Front
import Glibc

/// The entry of `gatehouse-front`.
@main
enum FrontMain {
    static func main() {
        // Threads are at work: leave without tearing down what they use.
        let status = FrontProgram.run(CommandLine.arguments.dropFirst())
        fflush(nil)
        _exit(status)
    }
}
