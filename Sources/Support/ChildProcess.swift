import CSupport
import Glibc

/// What a child process is to be.
package struct ChildProcess: Sendable {
    /// Path of the program; opened before the identity changes, so the child's user need not reach it.
    package var program: String
    /// Words after the program's name.
    package var arguments: [String] = []
    /// The whole environment, `NAME=value` each; nothing is inherited.
    package var environment: [String] = []
    /// Become descriptors 0, 1, 2, …; everything else is closed.
    package var descriptors: [Descriptor]
    /// The user and group to become for good; nil: stay.
    package var identity: (uid: UInt32, gid: UInt32)?
    /// RLIMIT_NOFILE; 0: leave.
    package var openFileLimit: UInt64 = 0
    /// RLIMIT_FSIZE in bytes; 0: leave.
    package var fileSizeLimit: UInt64 = 0
    /// RLIMIT_DATA, the memory of its own, in bytes; 0: leave.
    package var memoryLimit: UInt64 = 0
    /// Whether it may start processes and threads; root may in any case.
    package var mayStartOthers = true

    package init(_ program: String, descriptors: [Descriptor]) {
        self.program = program
        self.descriptors = descriptors
    }

    /// Starts the child in a session of its own with no_new_privs and no core dumps.
    ///
    /// The caller reaps it (`wait`).
    /// - Throws: `SystemError` that names the program.
    package func start() throws(SystemError) -> Int32 {
        let file = Descriptor(
            adopting: try SystemError.checkNegated(unsafe gh_open_program(program), "open \(program)"))
        let words = [program] + arguments
        let numbers = descriptors.map(\.number)
        let result = unsafe withCStrings(words) { argv in
            unsafe withCStrings(environment) { envp in
                unsafe numbers.withUnsafeBufferPointer { list in
                    var request = unsafe gh_spawn_request()
                    unsafe request.program = file.number
                    unsafe request.arguments = argv
                    unsafe request.environment = envp
                    unsafe request.descriptors = list.baseAddress
                    unsafe request.descriptor_count = list.count
                    unsafe request.change_user = identity == nil ? 0 : 1
                    unsafe request.uid = identity?.uid ?? 0
                    unsafe request.gid = identity?.gid ?? 0
                    unsafe request.limit_files = openFileLimit
                    unsafe request.limit_file_size = fileSizeLimit
                    unsafe request.limit_memory = memoryLimit
                    unsafe request.forbid_children = mayStartOthers ? 0 : 1
                    unsafe request.new_session = 1
                    return unsafe gh_spawn(&request)
                }
            }
        }
        withExtendedLifetime((file, descriptors)) {}
        return try SystemError.checkNegated(result, "start \(program)")
    }

    /// Waits for a child to end: its exit status, or 128 plus the signal that ended it.
    package static func wait(for child: Int32) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            if errno != EINTR { return -1 }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
