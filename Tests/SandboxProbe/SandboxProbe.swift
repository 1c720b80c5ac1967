import Glibc
import Sandbox
import SandboxActs

/// `sandbox-probe PROFILE|none READABLE ACT ARGUMENT`: confines itself, tries one act, and prints the error number; 0 is success.
@main
enum SandboxProbe {
    static func main() {
        let words = CommandLine.arguments
        guard words.count == 5 else { exit(64) }
        gh_prepare()
        if words[1] != "none" {
            guard let profile = Sandbox.Profile(rawValue: words[1]) else { exit(64) }
            do { try Sandbox.enter(profile, readable: words[2].isEmpty ? [] : [words[2]]) } catch {
                print(error)
                exit(1)
            }
        }
        print(unsafe gh_try(words[3], words[4]))
        // As the programs end: what else an exit does may be forbidden by now.
        fflush(nil)
        _exit(0)
    }
}
