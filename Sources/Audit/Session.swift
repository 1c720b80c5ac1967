package import Support

/// The process of a session: its number and, because numbers come back, when it began.
package struct SessionProcess: Equatable, Sendable {
    /// Number of the process.
    package let pid: Int32
    /// Clock ticks since the machine's start: field 22 of /proc/PID/stat.
    package let start: UInt64

    package init(pid: Int32, start: UInt64) {
        self.pid = pid
        self.start = start
    }
}

/// One connection of a user, live or over.
package struct Session: Equatable, Sendable {
    /// A `SessionID`.
    package let id: String
    /// nil until somebody has logged in.
    package var user: String?
    /// What was asked for: a host's or pool's name, `gate`, or nil for the user's default.
    package var target: String?
    /// The host that it went to.
    package var host: String?
    package var keyFingerprint: String?
    package let clientAddress: String
    /// What the client calls itself.
    package var clientVersion: String?
    package let started: Timestamp
    /// nil while it lives.
    package var ended: Timestamp?
    package var bytesFromClient: UInt64
    package var bytesToClient: UInt64
    /// Of the last program that ended.
    package var exitStatus: Int32?
    package var exitSignal: String?
    package var endReason: String?
    package var process: SessionProcess?
    /// How many bytes of its journal are in the log.
    package var journalOffset: Int64

    package init(
        id: String, user: String? = nil, target: String? = nil, host: String? = nil,
        keyFingerprint: String? = nil, clientAddress: String, clientVersion: String? = nil,
        started: Timestamp = .now, process: SessionProcess? = nil
    ) {
        self.id = id
        self.user = user
        self.target = target
        self.host = host
        self.keyFingerprint = keyFingerprint
        self.clientAddress = clientAddress
        self.clientVersion = clientVersion
        self.started = started
        self.process = process
        bytesFromClient = 0
        bytesToClient = 0
        journalOffset = 0
    }
}

/// What has become known of a session; a field that is nil stays as it is.
package struct SessionUpdate: Equatable, Sendable {
    package var user: String?
    package var target: String?
    package var host: String?
    package var keyFingerprint: String?
    package var clientVersion: String?
    package var bytesFromClient: UInt64?
    package var bytesToClient: UInt64?
    package var exitStatus: Int32?
    package var exitSignal: String?
    package var process: SessionProcess?
    /// That it is over, since when and why; the first end that is noted stays.
    package var end: SessionEnd?

    package init(
        user: String? = nil, target: String? = nil, host: String? = nil, keyFingerprint: String? = nil,
        clientVersion: String? = nil, bytesFromClient: UInt64? = nil, bytesToClient: UInt64? = nil,
        exitStatus: Int32? = nil, exitSignal: String? = nil, process: SessionProcess? = nil,
        end: SessionEnd? = nil
    ) {
        self.user = user
        self.target = target
        self.host = host
        self.keyFingerprint = keyFingerprint
        self.clientVersion = clientVersion
        self.bytesFromClient = bytesFromClient
        self.bytesToClient = bytesToClient
        self.exitStatus = exitStatus
        self.exitSignal = exitSignal
        self.process = process
        self.end = end
    }
}

/// The end of a session.
package struct SessionEnd: Equatable, Sendable {
    package let time: Timestamp
    /// Why, in words.
    package let reason: String

    package init(at time: Timestamp = .now, reason: String) {
        self.time = time
        self.reason = reason
    }
}
