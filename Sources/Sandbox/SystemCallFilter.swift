internal import CSeccomp
internal import Glibc
internal import Support

/// A filter of libseccomp while it is built.
// The context has one owner and is freed in deinit.
@safe
struct SystemCallFilter: ~Copyable {
    private let context: scmp_filter_ctx

    /// One that lets nothing through.
    init() throws(SystemError) {
        guard let context = unsafe seccomp_init(gh_seccomp_error(UInt16(EPERM))) else {
            throw SystemError("seccomp_init", number: ENOMEM)
        }
        unsafe self.context = context
    }

    deinit { unsafe seccomp_release(context) }

    /// Lets these calls through; those that the architecture does not have are left out.
    func allow(_ calls: SystemCalls) throws(SystemError) {
        for name in calls.names { try add(SCMP_ACT_ALLOW, name, []) }
        for call in calls.conditionals { try add(SCMP_ACT_ALLOW, call.name, call.conditions) }
        for (name, number) in calls.errors { try add(gh_seccomp_error(UInt16(number)), name, []) }
    }

    /// Sets the filter for the calling thread and what it starts, for good.
    func load() throws(SystemError) {
        try check(unsafe seccomp_load(context), "seccomp_load")
    }

    private func add(_ action: UInt32, _ name: String, _ conditions: [scmp_arg_cmp]) throws(SystemError) {
        let number = unsafe seccomp_syscall_resolve_name(name)
        guard number >= 0 else { return }
        let result = unsafe conditions.withUnsafeBufferPointer {
            unsafe seccomp_rule_add_array(context, action, number, UInt32($0.count), $0.baseAddress)
        }
        try check(result, "seccomp rule for \(name)")
    }

    private func check(_ result: Int32, _ what: String) throws(SystemError) {
        guard result >= 0 else { throw SystemError(what, number: -result) }
    }
}
