internal import CSupport
internal import Glibc
package import Support

/// What a process that talks with strangers gives up before it does.
package enum Sandbox {
    /// A kind of process.
    package enum Profile: String, CaseIterable, Sendable {
        /// `gatehouse-session`: opens no file, makes no connection, has no threads.
        case session
        /// `gatehouse-record`: reads from one socket, writes to one file, passes on no descriptor.
        case recorder
        /// `gatehouse-ssm`: makes connections, reads the files that this takes, has threads and no children.
        case tunnel
        /// `gatehouse-front`: accepts and passes on connections and makes none, reads the files that this takes, has threads and no children.
        case front
    }

    /// Confines this process for good, with a seccomp filter and, where the kernel has it, Landlock.
    ///
    /// Call it while there is one thread; what that starts is confined too. The process must have `no_new_privs`, or gets it.
    ///
    /// - Parameter readable: paths of files and folders that stay readable; files that are open already are not concerned.
    /// - Throws: `SystemError` when the filter cannot be set; the process must not go on then. A kernel without Landlock is no error:
    ///   opening files and connecting is forbidden to sessions and recorders by the filter alone, and writing and connecting to front ends.
    package static func enter(_ profile: Profile, readable: [String] = []) throws(SystemError) {
        let result = unsafe withCStrings(readable) { paths in
            unsafe gh_landlock(paths, profile == .tunnel ? 1 : 0)
        }
        if result < 0, result != -ENOSYS, result != -EOPNOTSUPP {
            throw SystemError("landlock", number: -result)
        }
        let filter = try SystemCallFilter()
        let calls: SystemCalls =
            switch profile {
            case .session: .session
            case .recorder: .recorder
            case .tunnel: .tunnel
            case .front: .front
            }
        try filter.allow(calls)
        try filter.load()
    }

    /// Landlock's version in this kernel; nil: it has none.
    package static var landlockVersion: Int32? {
        let version = gh_landlock_version()
        return version < 0 ? nil : version
    }
}
