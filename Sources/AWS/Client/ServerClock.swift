internal import Support

/// The time as AWS has it: this machine's clock, corrected when AWS says that it is wrong.
final class ServerClock: Sendable {
    private let local: @Sendable () -> Timestamp
    private let offset = Locked(Duration.zero)

    init(local: @escaping @Sendable () -> Timestamp) {
        self.local = local
    }

    var now: Timestamp { local() + offset.withLock { $0 } }

    /// Goes by the server's time from now on.
    func correct(to server: Timestamp) {
        let difference = server.milliseconds - local().milliseconds
        offset.withLock { $0 = .milliseconds(difference) }
    }
}
