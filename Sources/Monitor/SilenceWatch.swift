import Audit
import Directory
import Glibc
package import Support

/// Notices watchers of which nothing is heard any more: an event, and a gap in the book until they come back.
struct SilenceWatch: Sendable {
    let desk: DeliveryDesk
    let directory: DirectoryStore
    let events: EventLog

    /// Looks every few seconds, for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("silence") { watch() }
    }

    private func watch() {
        var tally = SilenceTally(start: .now)
        while true {
            sleep(5)
            do {
                for key in try directory.watchKeys() {
                    let heard = max(desk.lastHeard(of: key.host) ?? key.installed, key.installed)
                    try act(tally.next(of: key.host, lastHeard: heard, at: .now), host: key.host)
                }
            } catch {
                desk.log.error("watchers cannot be looked after", ["error": "\(error)"])
            }
        }
    }

    private func act(_ work: SilenceTally.Work, host: String) throws {
        switch work {
        case .nothing: break
        case .began(let since, let now):
            try desk.sink.noteSilence(of: host, from: since, until: now)
            try events.append(
                Event(.watcherSilent, host: host, detail: ["since": since.description]))
            desk.log.warning("watcher silent", ["host.name": host, "since": since.description])
        case .goesOn(let since, let now):
            try desk.sink.noteSilence(of: host, from: since, until: now)
        case .ended(let since, let now):
            try desk.sink.noteSilence(of: host, from: since, until: now)
            try events.append(
                Event(.watcherBack, host: host, detail: ["silent_since": since.description]))
            desk.log.notice("watcher is back", ["host.name": host])
        }
    }
}

/// Who is silent, and since when. Pure: the time is a parameter.
package struct SilenceTally: Sendable {
    package enum Work: Equatable, Sendable {
        case nothing
        case began(since: Timestamp, now: Timestamp)
        /// Still silent; told now and then, so that a daemon that dies leaves no open end behind.
        case goesOn(since: Timestamp, now: Timestamp)
        case ended(since: Timestamp, now: Timestamp)
    }

    /// Longer than this is a silence.
    package static let limit = Duration.seconds(30)
    private static let reminder = Duration.seconds(60)

    private let start: Timestamp
    private var silent: [String: (since: Timestamp, told: Timestamp)] = [:]

    /// - Parameter start: when the daemon began to listen; before that nobody could be heard.
    package init(start: Timestamp) {
        self.start = start
    }

    /// What is to be noted of a host now.
    package mutating func next(of host: String, lastHeard: Timestamp, at now: Timestamp) -> Work {
        if let (since, told) = silent[host] {
            if lastHeard > since {
                silent[host] = nil
                return .ended(since: since, now: lastHeard)
            }
            guard now >= told + Self.reminder else { return .nothing }
            silent[host] = (since, now)
            return .goesOn(since: since, now: now)
        }
        guard now > max(lastHeard, start) + Self.limit else { return .nothing }
        silent[host] = (lastHeard, now)
        return .began(since: lastHeard, now: now)
    }
}
