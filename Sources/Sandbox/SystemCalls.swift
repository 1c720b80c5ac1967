internal import CSeccomp
internal import Glibc

/// The system calls that a kind of process may use; every other one fails with `EPERM`.
///
/// An allow-list as in OpenSSH's sandbox-seccomp-filter.c; unlike there, what is not allowed fails instead of ending the process: a
/// library that asks for a new call at an update shall not cost anybody a session.
struct SystemCalls {
    /// A call that is allowed only with some arguments.
    struct Conditional {
        let name: String
        let conditions: [scmp_arg_cmp]

        init(_ name: String, _ conditions: scmp_arg_cmp...) {
            self.name = name
            self.conditions = conditions
        }
    }

    /// Allowed with any arguments.
    let names: [String]
    let conditionals: [Conditional]
    /// Fail with another error than `EPERM`: what a library goes on after.
    let errors: [(name: String, number: Int32)]

    /// A single thread that moves bytes between descriptors it was given.
    static var session: SystemCalls {
        SystemCalls(
            names: moving + memory + time + itself,
            conditionals: [
                Conditional("mmap", lacks(PROT_EXEC, inArgument: 2)),
                Conditional("mprotect", lacks(PROT_EXEC, inArgument: 2)),
            ] + own
                + [SOL_SOCKET, Int32(IPPROTO_TCP), 0, 41].map {
                    Conditional("setsockopt", equals($0, inArgument: 1))
                },
            errors: missing)
    }

    /// A single thread that takes bytes from a socket and appends to a file, both of which it was given.
    static var recorder: SystemCalls {
        SystemCalls(
            names: [
                "close", "fstat", "fstatfs", "poll", "ppoll", "read", "recvfrom", "sendto", "write", "writev",
            ] + memory + time + itself,
            conditionals: [
                Conditional("mmap", lacks(PROT_EXEC, inArgument: 2)),
                Conditional("mprotect", lacks(PROT_EXEC, inArgument: 2)),
            ] + own,
            errors: missing)
    }

    /// A client of web services: makes connections, reads certificates, has threads that find names.
    static var tunnel: SystemCalls {
        SystemCalls(
            names: moving + memory + time + itself + [
                "access", "bind", "connect", "eventfd2", "faccessat", "faccessat2", "getdents64", "getegid",
                "geteuid",
                "getgid", "getuid", "lstat", "mmap", "mprotect", "newfstatat", "open", "openat", "pipe2",
                "pread64",
                "readlink", "readlinkat", "recvmmsg", "rseq", "sched_getaffinity", "sendmmsg",
                "set_robust_list",
                "setsockopt", "socketpair", "stat", "statfs", "statx", "sysinfo", "uname",
            ],
            conditionals: [
                // A thread, and no process.
                Conditional("clone", has(cloneThread, inArgument: 0))
            ] + own
                + [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK].map {
                    Conditional("socket", equals($0, inArgument: 0))
                },
            // glibc then uses clone(2), whose flags can be looked at.
            errors: [("clone3", ENOSYS)])
    }

    /// Accepts connections, reads its configuration again, and passes on what it accepted to those who have connected.
    ///
    /// A socket that was accepted is one of the host's network: nothing here can give it another address. Nor can the listening sockets,
    /// which are systemd's too, be made unusable for the next front end.
    static var front: SystemCalls {
        SystemCalls(
            names: moving.filter { !["sendmsg", "sendto", "shutdown"].contains($0) } + memory + time + itself
                + [
                    "accept", "accept4", "rseq", "rt_sigtimedwait", "sched_getaffinity", "set_robust_list",
                ],
            conditionals: [
                Conditional("clone", has(cloneThread, inArgument: 0)),
                Conditional("mmap", lacks(PROT_EXEC, inArgument: 2)),
                Conditional("mprotect", lacks(PROT_EXEC, inArgument: 2)),
                Conditional("openat", lacks(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, inArgument: 2)),
                Conditional("sendmsg", lacks(sendAndConnect, inArgument: 2)),
                Conditional("sendto", lacks(sendAndConnect, inArgument: 3), equals(0, inArgument: 4)),
                Conditional(
                    "setsockopt", equals(SOL_SOCKET, inArgument: 1), equals(SO_SNDBUF, inArgument: 2)),
            ] + own,
            errors: [("clone3", ENOSYS)])
    }

    private static let moving = [
        "close", "dup", "fsync", "fstat", "getpeername", "getsockname", "getsockopt", "lseek",
        "poll", "ppoll",
        "pselect6", "read", "readv", "recvfrom", "recvmsg", "select", "sendmsg", "sendto", "shutdown",
        "write", "writev",
    ]
    private static let memory = ["brk", "futex", "madvise", "mremap", "munmap"]
    private static let time = [
        "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "restart_syscall",
        "setitimer",
        "time",
    ]
    private static let itself = [
        "exit", "exit_group", "getpid", "getppid", "getrandom", "getrusage", "gettid", "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn", "sched_yield", "sigaltstack", "signalfd4",
    ]
    /// What abort(3) and a trap need, to others no signal goes; and the names of threads.
    private static var own: [Conditional] {
        [
            Conditional("tgkill", equals(getpid(), inArgument: 0)),
            Conditional("prctl", equals(setName, inArgument: 0)),
            Conditional("prlimit64", equals(0, inArgument: 0)),
        ]
            // None that has a descriptor's owner signalled.
            + [F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC].map {
                Conditional("fcntl", equals($0, inArgument: 1))
            }
    }
    private static let missing: [(name: String, number: Int32)] = [
        "open", "openat", "stat", "newfstatat", "access",
    ].map {
        ($0, EACCES)
    }
    // Of <linux/sched.h>, <linux/socket.h> (MSG_FASTOPEN) and <linux/prctl.h>, which Swift does not see.
    private static let cloneThread: Int32 = 0x10000
    private static let sendAndConnect: Int32 = 0x2000_0000
    private static let setName: Int32 = 15

    private static func equals(_ value: Int32, inArgument index: UInt32) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: index, op: SCMP_CMP_EQ, datum_a: UInt64(value), datum_b: 0)
    }

    private static func lacks(_ bits: Int32, inArgument index: UInt32) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: index, op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(bits), datum_b: 0)
    }

    private static func has(_ bits: Int32, inArgument index: UInt32) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: index, op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(bits), datum_b: UInt64(bits))
    }
}
