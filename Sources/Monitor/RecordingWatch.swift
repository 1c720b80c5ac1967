import Configuration
import Glibc
import Recording
import Support

/// Looks after recordings: notes the ends of those that an earlier daemon began, and removes what is too old or too much.
struct RecordingWatch: Sendable {
    /// Rounds of a second from one look to the next where nothing is to be expected.
    private static let rounds = 30

    let desk: RecordingDesk
    let settings: @Sendable () -> GatewaySettings
    let log: @Sendable () -> Log

    /// Watches for ever on a thread of its own, from what ended without a daemon on: hashing that may take a while.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try desk.start()
        try Thread.start("recordings") { watch() }
    }

    private func watch() {
        var waiting = finishOrphans()
        var rounds = 0
        var last: RecordingRetention?
        while true {
            let configuration = settings().configuration
            let rule = RecordingRetention(
                age: configuration.recordingRetention, space: configuration.recordingSpace)
            if rounds.isMultiple(of: Self.rounds) || rule != last { expire(rule) }
            last = rule
            sleep(1)
            rounds += 1
            if rounds.isMultiple(of: Self.rounds) {
                waiting = finishOrphans()
            } else if !waiting.isEmpty {
                waiting = finishOrphans(among: waiting)
            }
        }
    }

    /// Those that an earlier daemon began and that are still being written; the rest of `names`, or of all, is finished.
    private func finishOrphans(among names: [RecordingName]? = nil) -> [RecordingName] {
        do {
            return try desk.finishOrphans(among: names)
        } catch {
            log().error("recordings cannot be looked through", ["error": "\(error)"])
            return names ?? []
        }
    }

    private func expire(_ rule: RecordingRetention) {
        do { try desk.expire(rule) } catch {
            log().error("old recordings cannot be removed", ["error": "\(error)"])
        }
    }
}
