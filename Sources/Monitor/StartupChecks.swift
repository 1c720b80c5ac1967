import Glibc
import Support

/// What must be so before the daemon opens the door.
enum StartupChecks {
    /// The oldest libssh with the fixes of Debian's security team that a server needs.
    private static let oldestLibrary = "0.10.6-0+deb12u3"

    /// Checks that a secret belongs to the daemon's user or root and that nobody else can read or write it.
    ///
    /// - Throws: `StartupError`.
    static func requirePrivate(_ path: String, what: String) throws(StartupError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            let reason = SystemError(path).reason
            throw StartupError("\(what) \(path): \(reason); 'gatehouse init' makes what is missing")
        }
        if status.st_mode & S_IFMT == S_IFLNK {
            throw StartupError("\(what) \(path) is a symbolic link; name the file itself")
        }
        if status.st_uid != 0, status.st_uid != geteuid() {
            throw StartupError("\(what) \(path) belongs to uid \(status.st_uid); make root its owner")
        }
        if status.st_mode & 0o077 != 0 {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            let right = status.st_mode & S_IFMT == S_IFDIR ? "0700" : "0600"
            throw StartupError(
                "\(what) \(path) is open to others (mode \(mode)); run: chmod \(right) \(path)")
        }
    }

    /// Whether others than the owner can read a program.
    ///
    /// The kernel lets a process of the same user trace a program, and write to its memory, if that user can read it: between
    /// its start and the moment when it forbids that itself.
    static func isReadableByOthers(_ program: String) -> Bool {
        var status = stat()
        return unsafe stat(program, &status) == 0 && status.st_mode & 0o044 != 0
    }

    /// Checks, where dpkg knows, that the installed libssh has its security fixes.
    ///
    /// - Returns: the version, nil where dpkg knows nothing of it.
    /// - Throws: `StartupError` when it is too old.
    static func requirePatchedLibrary() throws(StartupError) -> String? {
        guard
            let query = try? run(
                "/usr/bin/dpkg-query", ["--show", "--showformat=${db:Status-Abbrev} ${Version}", "libssh-4"]),
            query.status == 0
        else { return nil }
        let fields = query.output.split(separator: " ")
        guard fields.count == 2, fields[0] == "ii" else { return nil }
        let version = String(fields[1])
        let comparison = try? run("/usr/bin/dpkg", ["--compare-versions", version, "ge", oldestLibrary])
        guard comparison?.status == 0 else {
            throw StartupError(
                "libssh-4 \(version) has known security holes; install \(oldestLibrary) or newer (apt-get install libssh-4)"
            )
        }
        return version
    }

    private static func run(
        _ program: String, _ arguments: [String]
    ) throws(SystemError) -> (status: Int32, output: String) {
        let (pid, output) = try start(program, arguments)
        let bytes = try? output.readAll(limit: 4_096)
        let status = ChildProcess.wait(for: pid)
        return (status, String(decoding: bytes ?? [], as: UTF8.self))
    }

    /// A function of its own, so that this process keeps no end to write to.
    private static func start(
        _ program: String, _ arguments: [String]
    ) throws(SystemError) -> (pid: Int32, output: Descriptor) {
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        let output = try Descriptor.pipe()
        var child = ChildProcess(program, descriptors: [nothing, output.write, nothing])
        child.arguments = arguments
        child.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]
        return (try child.start(), output.read)
    }
}
