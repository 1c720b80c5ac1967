import Glibc
import Recording
import Sandbox
import Support

/// The entry of `gatehouse-record`: one recording, started by the daemon only.
@main
enum RecordProgram {
    static func main() {
        Recorder.prepare()
        do { try Sandbox.enter(.recorder) } catch {
            Log(context: []).error("a recorder cannot be confined", ["error": "\(error)"])
            _exit(71)
        }
        _exit(Recorder.run())
    }
}
