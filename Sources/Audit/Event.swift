package import Support

/// What kind of thing happened.
package enum EventKind: String, Sendable, CaseIterable {
    case authenticationAccepted = "auth.accepted"
    case authenticationRejected = "auth.rejected"
    /// Too many wrong codes or passwords were given for somebody: none is looked at for a while.
    case authenticationLimited = "auth.limited"
    /// A recovery code was used up.
    case codeRecovered = "auth.recovered"
    case sessionStarted = "session.start"
    case sessionEnded = "session.end"
    case channelOpened = "channel.open"
    /// A jump ended: what passed, and how long it took.
    case channelClosed = "channel.close"
    /// A file was read, written or changed by SFTP or scp.
    case fileOperation = "file.operation"
    /// What a session does with files by SFTP or scp is not followed any more.
    case filesUnfollowed = "file.unfollowed"
    case refused
    case hostConnected = "host.connected"
    case hostFailed = "host.failed"
    /// An instance was started, stopped, terminated.
    case hostState = "host.state"
    /// An instance was started for somebody, and answered or did not.
    case hostWake = "host.wake"
    /// A host is about to be stopped because nobody uses it, or was.
    case hostSleep = "host.sleep"
    /// A host is another instance than it was.
    case hostReplaced = "host.replaced"
    /// A host does not answer any more, or answers again.
    case hostHealth = "host.health"
    /// A host takes no new sessions, or takes them again.
    case hostDrained = "host.drained"
    case hostUndrained = "host.undrained"
    /// Host keys were pinned, or are not those that are pinned.
    case hostKeys = "host.keys"
    /// The cloud does not answer, or answers again.
    case inventory
    case commandRun = "command.run"
    case directoryChanged = "directory.changed"
    case accountApplied = "account.applied"
    case accountDrifted = "account.drifted"
    case accountFailed = "account.failed"
    /// The watcher of a host has logged in to deliver.
    case watcherConnected = "watcher.connected"
    /// Nothing was heard of a watcher for a while.
    case watcherSilent = "watcher.silent"
    case watcherBack = "watcher.back"
    /// What a watcher delivered is not what it sealed.
    case watcherRefused = "watcher.refused"
    /// Something that a watcher saw is lost.
    case watcherGap = "watcher.gap"
    case fileShared = "file.shared"
    case fileUnshared = "file.unshared"
    case fileTransferred = "file.transferred"
    /// A program's recording begins.
    case recordingStarted = "recording.start"
    /// A recording is as it stays: its SHA-256 says so.
    case recordingEnded = "recording.end"
    /// A recording cannot be written, or is not as it was.
    case recordingFailed = "recording.failed"
    /// Somebody is about to see a recording.
    case recordingViewed = "recording.viewed"
    /// A recording was removed because it was old, or to make room.
    case recordingRemoved = "recording.removed"
    /// Events were found not to be as they were noted, and somebody wants to go on.
    case eventsResealed = "events.resealed"
    case daemonStarted = "daemon.start"
    case daemonStopped = "daemon.stop"
}

/// Something that happened, to be noted.
package struct Event: Equatable, Sendable {
    package var time: Timestamp
    /// An `EventKind`, as text: a file may hold kinds of a newer program.
    package var kind: String
    package var session: String?
    package var user: String?
    package var host: String?
    /// Where the client was.
    package var address: String?
    /// What else is to know; never a secret.
    package var detail: [String: String]

    package init(
        _ kind: EventKind, at time: Timestamp = .now, session: String? = nil, user: String? = nil,
        host: String? = nil, address: String? = nil, detail: [String: String] = [:]
    ) {
        self.time = time
        self.kind = kind.rawValue
        self.session = session
        self.user = user
        self.host = host
        self.address = address
        self.detail = detail
    }
}

/// An event in the log.
package struct RecordedEvent: Equatable, Sendable {
    /// Grows with every event.
    package let id: Int64
    package let event: Event
    /// What the chain of events holds of it, in lower-case hexadecimal.
    package let hash: String
}

/// Which events are asked for; every field that is set must match.
package struct EventQuery: Equatable, Sendable {
    package var user: String?
    package var session: String?
    package var kind: EventKind?
    /// Only events after the one with this id, oldest first: to follow the log. nil: the newest ones.
    package var after: Int64?
    package var limit: Int

    package init(
        user: String? = nil, session: String? = nil, kind: EventKind? = nil, after: Int64? = nil,
        limit: Int = 100
    ) {
        self.user = user
        self.session = session
        self.kind = kind
        self.after = after
        self.limit = limit
    }
}
