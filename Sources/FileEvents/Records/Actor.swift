/// Who did something: a process, and what is known of whom it acted for. What is not known is nil, never guessed.
package struct Actor: Hashable, Sendable {
    /// What kind of process it was.
    package enum Origin: Hashable, Sendable {
        /// Of a login, with the login's own uid.
        case login
        /// Of a login, under another uid than the login's: sudo, su.
        case switchedUser
        /// In a container; the runtime's identifier.
        case container(String)
        /// A service of the system; its unit.
        case service(String)
        /// The kernel itself, such as its NFS server.
        case kernel
        case unknown
    }

    /// The effective uid; nil when the process was gone before anything was known of it.
    package var uid: UInt32?
    /// The uid of the login that everything of the session descends from; nil: unset or unknown.
    package var loginUID: UInt32?
    /// The kernel's number of the login session; nil: unset or unknown.
    package var auditSession: UInt32?
    /// 0: unknown.
    package var pid: UInt32
    /// The command's name as the kernel knows it, 15 bytes at the most; empty: unknown.
    package var command: [UInt8]
    /// The program's path; empty: unknown.
    package var executable: [UInt8]
    package var origin: Origin
    /// Gatehouse's session, from the certificate of the login.
    package var session: String?
    /// The connection of the login, where there is no session of Gatehouse: a jump, or a login past the gateway.
    package var connection: Connection?

    /// The two ends of a login's TCP connection, as the host's sshd sees them.
    package struct Connection: Hashable, Sendable {
        package var peerAddress: String
        package var peerPort: UInt16
        package var localAddress: String
        package var localPort: UInt16

        package init(peerAddress: String, peerPort: UInt16, localAddress: String, localPort: UInt16) {
            self.peerAddress = peerAddress
            self.peerPort = peerPort
            self.localAddress = localAddress
            self.localPort = localPort
        }
    }

    package init(
        uid: UInt32? = nil, loginUID: UInt32? = nil, auditSession: UInt32? = nil, pid: UInt32 = 0,
        command: [UInt8] = [], executable: [UInt8] = [], origin: Origin = .unknown, session: String? = nil,
        connection: Connection? = nil
    ) {
        self.uid = uid
        self.loginUID = loginUID
        self.auditSession = auditSession
        self.pid = pid
        self.command = command
        self.executable = executable
        self.origin = origin
        self.session = session
        self.connection = connection
    }
}
