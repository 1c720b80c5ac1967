import Foundation
import Support
import Testing

@testable import Sandbox

/// What is tried, and the error numbers that may come of it; 0: it works.
struct Trial: CustomTestStringConvertible, Sendable {
    let act: String
    let argument: String
    let session: Int32
    let recorder: Int32
    let tunnel: Int32
    let front: Int32
    /// Outside of a sandbox, for any user; nil: depends on who tries.
    let outside: Int32?

    /// - Parameters recorder, front: nil: as in a session.
    init(
        _ act: String, _ argument: String = "", session: Int32, recorder: Int32? = nil, tunnel: Int32,
        front: Int32? = nil, outside: Int32? = 0
    ) {
        (self.act, self.argument, self.session, self.tunnel) = (act, argument, session, tunnel)
        self.recorder = recorder ?? session
        self.front = front ?? session
        self.outside = outside
    }

    var testDescription: String { argument.isEmpty ? act : "\(act): \(argument)" }
}

@Suite("The sandbox")
struct SandboxTests {
    private static let parent = String(getpid())

    static let trials = [
        Trial("read a file", "/etc/passwd", session: EACCES, tunnel: EACCES),
        Trial("read a file", "/usr/lib/os-release", session: EACCES, tunnel: 0, front: 0),
        Trial("write a file", "/dev/null", session: EACCES, tunnel: EACCES, front: EPERM),
        Trial(
            "write a file", "/usr/lib/gatehouse-none/file", session: EACCES, tunnel: ENOENT, front: EPERM,
            outside: ENOENT),
        Trial("remove a file", "/tmp/gatehouse-none", session: EPERM, tunnel: EPERM, outside: ENOENT),
        Trial("list a folder", "/etc", session: EACCES, tunnel: EACCES),
        Trial("list a folder", "/usr/lib", session: EACCES, tunnel: 0, front: EPERM),
        // Nobody listens there.
        Trial("connect to a port", "1", session: EPERM, tunnel: ECONNREFUSED, outside: ECONNREFUSED),
        Trial("bind a port", "0", session: EPERM, tunnel: EACCES),
        Trial(
            "connect to an abstract socket", "gatehouse-none", session: EPERM, tunnel: ECONNREFUSED,
            outside: ECONNREFUSED),
        // Tunnels accept nothing; to the others a client's socket is not to be one to anywhere else.
        Trial("turn a client to another address", session: EPERM, tunnel: 0),
        Trial(
            "connect by sending", session: EISCONN, tunnel: EISCONN, front: EPERM, outside: EISCONN),
        Trial(
            "connect by a message", session: EISCONN, recorder: EPERM, tunnel: EISCONN, front: EPERM,
            outside: EISCONN),
        Trial("end a listening socket", session: 0, recorder: EPERM, tunnel: 0, front: EPERM),
        Trial("lock the filter of a listening socket", session: 0, recorder: EPERM, tunnel: 0, front: EPERM),
        Trial("open a raw socket", session: EPERM, tunnel: EPERM, outside: nil),
        // It does not come back from that.
        Trial("start a program", "/bin/true", session: EPERM, tunnel: EPERM, outside: -1),
        Trial("make a process", session: EPERM, tunnel: EPERM),
        Trial("start a thread", session: EPERM, tunnel: 0, front: 0),
        Trial("signal a process", parent, session: EPERM, tunnel: EPERM),
        Trial("have a process signalled", parent, session: EPERM, tunnel: EPERM),
        Trial("look at a process's limits", parent, session: EPERM, tunnel: EPERM),
        Trial("trace a process", parent, session: EPERM, tunnel: EPERM, outside: nil),
        // What a session needs for its sockets to hosts.
        Trial("pass on a descriptor", session: 0, recorder: EPERM, tunnel: 0),
        Trial("have one descriptor twice", session: 0, recorder: EPERM, tunnel: 0),
        // What a recorder needs to see whether the disk is full.
        Trial("look at a file system", session: EPERM, recorder: 0, tunnel: EPERM),
        Trial("make memory executable", session: EPERM, tunnel: 0),
        Trial("change its user", "\(getuid())", session: EPERM, tunnel: EPERM),
        Trial("make a namespace", session: EPERM, tunnel: EPERM, outside: nil),
        Trial("load a BPF program", session: EPERM, tunnel: EPERM, outside: nil),
    ]

    @Test("forbids what a process has no business with", arguments: trials)
    func forbids(_ trial: Trial) throws {
        #expect(try outcome(of: trial, in: .session) == trial.session)
        #expect(try outcome(of: trial, in: .recorder) == trial.recorder)
        #expect(try outcome(of: trial, in: .tunnel) == trial.tunnel)
        #expect(try outcome(of: trial, in: .front) == trial.front)
    }

    @Test("is what forbids it", arguments: trials)
    func isTheReason(_ trial: Trial) throws {
        guard let outside = trial.outside else { return }
        #expect(try outcome(of: trial, in: nil) == outside)
    }

    /// Has the probe try it, with `/usr/lib` readable; -1 where it says nothing.
    private func outcome(of trial: Trial, in profile: Sandbox.Profile?) throws -> Int32 {
        let folder = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let probe = URL(fileURLWithPath: folder).deletingLastPathComponent().path + "/sandbox-probe"
        let (pid, output) = try start(
            probe, [profile?.rawValue ?? "none", "/usr/lib", trial.act, trial.argument])
        let text = String(decoding: try output.readAll(limit: 1_000), as: UTF8.self)
        _ = ChildProcess.wait(for: pid)
        return Int32(text.filter { !$0.isNewline }) ?? -1
    }

    /// A function of its own, so that this process keeps no end to write to.
    private func start(_ program: String, _ arguments: [String]) throws -> (pid: Int32, output: Descriptor) {
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        let output = try Descriptor.pipe()
        var child = ChildProcess(program, descriptors: [nothing, output.write, nothing])
        child.arguments = arguments
        return (try child.start(), output.read)
    }
}
