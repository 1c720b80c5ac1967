import Audit
import Commands
import Glibc
import Sharing
import Support

/// Ends shares whose time has come, and tries again where a host cannot be reached.
struct ShareWatch: Sendable {
    /// From one look to the next; and from one attempt at the same share to the next.
    private static let interval: UInt32 = 2
    private static let retry = Duration.seconds(60)

    let gateway: Gateway

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("shares") { watch() }
    }

    private func watch() {
        var failed: [Int64: MonotonicTime] = [:]
        while true {
            sleep(Self.interval)
            do {
                for share in try gateway.sharingLedger.expiredShares(at: .now) {
                    if let time = failed[share.id], MonotonicTime.now < time + Self.retry { continue }
                    failed[share.id] = end(share) ? nil : .now
                }
            } catch {
                gateway.log.error("shares cannot be looked after", ["error": "\(error)"])
            }
        }
    }

    /// Whether it has ended.
    private func end(_ share: Share) -> Bool {
        do {
            try gateway.sharing.unshare(share)
            var detail = share.detail
            detail["by"] = "its time"
            try gateway.events.append(Event(.fileUnshared, detail: detail))
            gateway.log.notice("share ended", ["share": String(share.id), "path": share.shownPath])
            return true
        } catch {
            let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
            gateway.log.warning(
                "a share cannot be ended",
                ["share": String(share.id), "path": share.shownPath, "error": reason])
            return false
        }
    }
}
