import Configuration
import Glibc
import Ownership
import Support

/// Forgets events of files that are older than the configuration wants to keep: once a day, and when that setting changes.
struct RetentionWatch: Sendable {
    private static let interval = Duration.seconds(86_400)
    /// Looked at in one transaction: some tenths of a second, in which no segment is taken.
    private static let step = 5_000

    let gateway: Gateway

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("retention") { watch() }
    }

    private func watch() {
        var last: (retention: Duration, time: MonotonicTime)?
        while true {
            sleep(2)
            let retention = gateway.settings.configuration.fileEventRetention
            if let last, last.retention == retention, MonotonicTime.now < last.time + Self.interval {
                continue
            }
            last = (retention, .now)
            guard retention > .zero else { continue }
            do {
                let forgotten = try expire(before: Timestamp.now + (.zero - retention))
                if forgotten > 0 {
                    gateway.log.notice("old events of files forgotten", ["events": String(forgotten)])
                }
            } catch {
                gateway.log.error("old events of files cannot be forgotten", ["error": "\(error)"])
            }
        }
    }

    private func expire(before time: Timestamp) throws -> Int {
        var forgotten = 0
        while true {
            let step = try gateway.book.change { book in
                try book.expireEvents(before: time.milliseconds * 1_000, limit: Self.step)
            }
            forgotten += step.removed
            if step.isDone { return forgotten }
            // Whoever waits for the book comes first.
            usleep(50_000)
        }
    }
}
