import Configuration
import Glibc
import Support

/// The process of one session, from its start until it was reaped.
///
/// Any thread may signal it; the thread that started it reaps it.
final class SessionChild: Sendable {
    /// How long a process may take to end after SIGTERM, or after it closed its control channel.
    static let patience = Duration.seconds(3)

    /// Number and start time, which name the process for good.
    let pid: Int32
    let startTime: UInt64
    let handle: ProcessHandle

    /// Starts the session program with these descriptors from 0 on.
    ///
    /// - Throws: `SystemError`.
    static func start(
        _ program: SessionProgram, arguments: [String] = [], descriptors: [Descriptor]
    ) throws(SystemError) -> SessionChild {
        var child = ChildProcess(program.path, descriptors: descriptors)
        child.arguments = arguments
        child.identity = program.identity
        child.openFileLimit = 4_096
        child.fileSizeLimit = 64 * 1_024 * 1_024
        // Peers can make libssh buffer without end; a thousand channels that keep to their windows need less.
        child.memoryLimit = 2 * 1_024 * 1_024 * 1_024
        // Else a process that was broken into could outlive its own end by a copy of itself.
        child.mayStartOthers = false
        return try SessionChild(started: try child.start())
    }

    private init(started pid: Int32) throws(SystemError) {
        self.pid = pid
        // Not reaped yet, so it exists, if only as a zombie.
        startTime = ProcessHandle.startTime(of: pid) ?? 0
        do {
            handle = try ProcessHandle(pid)
        } catch {
            _ = Glibc.kill(pid, SIGKILL)
            _ = ChildProcess.wait(for: pid)
            throw error
        }
    }

    /// Waits a moment for the process to end by itself, kills it if it does not, and reaps it. Once.
    ///
    /// - Returns: its exit status, or 128 plus the signal that ended it.
    func finish(within patience: Duration = patience) -> Int32 {
        if !handle.ends(within: patience) { try? handle.send(SIGKILL) }
        return ChildProcess.wait(for: pid)
    }
}

/// What is started for each session, and as whom; as whom tunnels run.
struct SessionProgram: Sendable {
    let path: String
    /// nil: the daemon's own user, where it is not root and cannot become another.
    let identity: (uid: UInt32, gid: UInt32)?
    /// Of `gatehouse-ssm`; nil likewise.
    let tunnelIdentity: (uid: UInt32, gid: UInt32)?
}

extension SessionProgram {
    /// Finds a user, by name or number; its group is the primary one, or the one with the same number.
    ///
    /// - Throws: `StartupError` when there is no such user, or it is root.
    private static func findIdentity(
        of user: String, _ keyword: String
    ) throws(StartupError) -> (uid: UInt32, gid: UInt32)? {
        guard geteuid() == 0 else { return nil }
        let found: (uid: UInt32, gid: UInt32)?
        if let number = UInt32(user) {
            let account = unsafe account { unsafe getpwuid_r(number, $0, $1, $2, $3) }
            found = (number, account?.gid ?? number)
        } else {
            found = unsafe account { unsafe getpwnam_r(user, $0, $1, $2, $3) }
        }
        guard let found else {
            throw StartupError(
                "\(keyword) \(user): there is no such user; systemd-sysusers makes it from sysusers.d/gatehouse.conf"
            )
        }
        if found.uid == 0 { throw StartupError("\(keyword) \(user): it never runs as root") }
        return found
    }

    /// The program that the configuration names, or the one installed with the daemon.
    ///
    /// - Throws: `StartupError` when it cannot be run.
    init(_ configuration: Configuration) throws(StartupError) {
        let path =
            configuration.sessionProgram ?? Self.installed("gatehouse-session", in: "libexec/gatehouse")
        guard unsafe access(path, X_OK) == 0 else {
            throw StartupError("SessionProgram \(path): \(SystemError(path).reason)")
        }
        self.path = path
        identity = try Self.findIdentity(of: configuration.sessionUser, "SessionUser")
        tunnelIdentity = try Self.findIdentity(of: configuration.tunnelUser, "TunnelUser")
        if let identity, let tunnelIdentity, identity.uid == tunnelIdentity.uid {
            throw StartupError(
                "SessionUser and TunnelUser are the same; they must be two: who takes over one reaches the other"
            )
        }
    }

    /// A program beside the daemon's own, or in a folder of the same tree.
    static func installed(_ name: String, in tree: String) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe max(0, readlink("/proc/self/exe", &buffer, buffer.count))
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let beside = folder.joined(separator: "/") + "/\(name)"
        let elsewhere = folder.dropLast().joined(separator: "/") + "/\(tree)/\(name)"
        return unsafe access(beside, X_OK) != 0 && access(elsewhere, X_OK) == 0 ? elsewhere : beside
    }

    private static func account(
        _ find: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> (uid: UInt32, gid: UInt32)? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let result = unsafe buffer.withUnsafeMutableBufferPointer { texts -> Int32 in
            guard let base = texts.baseAddress else { return -1 }
            return unsafe find(&entry, base, texts.count, &found)
        }
        guard result == 0, unsafe found != nil else { return nil }
        return unsafe (entry.pw_uid, entry.pw_gid)
    }
}
