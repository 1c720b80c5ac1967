import Commands
import Glibc

/// The entry of `gatehouse`.
@main
enum CommandLineProgram {
    static func main() {
        exit(CommandLineTool.main())
    }
}
