import Glibc
import PAM

/// The entry of `gatehouse-pam`: one conversation, started by the daemon only.
@main
enum PAMMain {
    static func main() {
        _exit(PAMProgram.run())
    }
}
