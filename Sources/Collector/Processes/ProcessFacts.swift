/// What the kernel says of a living process.
package struct ProcessFacts: Hashable, Sendable {
    /// The login that a process descends from.
    package struct Login: Hashable, Sendable {
        /// nil: unset.
        package var uid: UInt32?
        /// nil: unset.
        package var auditSession: UInt32?

        package init(uid: UInt32? = nil, auditSession: UInt32? = nil) {
            self.uid = uid
            self.auditSession = auditSession
        }
    }

    package var parent: UInt32
    /// The effective uid.
    package var uid: UInt32
    package var login: Login
    package var command: [UInt8]
    package var executable: [UInt8]
    /// Whether it is a thread of the kernel.
    package var isKernel: Bool
    package var group: ControlGroup
    /// The inode of its mount namespace; 0: not asked for.
    package var mountNamespace: UInt64

    package init(
        parent: UInt32 = 0, uid: UInt32, login: Login = Login(), command: [UInt8] = [],
        executable: [UInt8] = [],
        isKernel: Bool = false, group: ControlGroup = .none, mountNamespace: UInt64 = 0
    ) {
        self.parent = parent
        self.uid = uid
        self.login = login
        self.command = command
        self.executable = executable
        self.isKernel = isKernel
        self.group = group
        self.mountNamespace = mountNamespace
    }
}

/// Reads what the kernel says of processes; nil: the process is gone.
package protocol ProcessReader {
    /// - Parameter login: what is known of the login already, and need not be asked for; nil: nothing.
    func facts(of pid: UInt32, login: ProcessFacts.Login?) -> ProcessFacts?
    func login(of pid: UInt32) -> ProcessFacts.Login?
    func all() -> [UInt32]
}
