import Accounts
import Audit
import Commands
import Directory
import Glibc
import Support

/// Takes from the hosts what is not granted any more, when a grant's time is over and where somebody might still become root.
///
/// The watchman ends the sessions; this is for what would outlive them: the account, its keys and its sudo rule.
struct GrantWatch: Sendable {
    /// Seconds from one look to the next.
    private static let interval: UInt32 = 5
    /// From one attempt at a host to the next: twice as long each time.
    private static let retry: ClosedRange<Duration> = .seconds(60)...(.seconds(900))

    let gateway: Gateway
    private let busy = Locked<Set<String>>([])

    init(gateway: Gateway) {
        self.gateway = gateway
    }

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("grants") { watch() }
    }

    private func watch() {
        // When each host is tried again, and how long was waited for that.
        var later: [String: (time: MonotonicTime, wait: Duration)] = [:]
        while true {
            sleep(Self.interval)
            do {
                let found = try gateway.accounts.hostsWithTooMuch()
                later = later.filter { found.contains($0.key) }
                let due = try found.filter { host in
                    // One that sleeps is looked after when it is awake.
                    let isDown = try gateway.directory.findHost(host)?.instance?.state.isDown ?? false
                    return !isDown && !busy.withLock { $0.contains(host) }
                        && later[host].map { $0.time <= .now } ?? true
                }
                guard !due.isEmpty else { continue }
                for host in due {
                    let wait = later[host].map { min($0.wait * 2, Self.retry.upperBound) }
                    later[host] = (.now + (wait ?? Self.retry.lowerBound), wait ?? Self.retry.lowerBound)
                }
                busy.withLock { $0.formUnion(due) }
                // One that is slow keeps neither the others nor the next look waiting.
                do {
                    try Thread.start("withdraw") {
                        withdraw(from: due)
                        busy.withLock { $0.subtract(due) }
                    }
                } catch {
                    busy.withLock { $0.subtract(due) }
                    throw error
                }
            } catch {
                gateway.log.error("ended grants cannot be looked after", ["error": "\(error)"])
            }
        }
    }

    private func withdraw(from hosts: [String]) {
        let who = "the end of a grant"
        for (host, outcome) in zip(hosts, gateway.accounts.withdraw(from: hosts)) {
            let event: Event
            do {
                event = Event(try outcome.get(), on: host, by: who)
                gateway.log.notice("what was granted was taken back", ["host.name": host])
            } catch {
                let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
                event = Event(.accountFailed, host: host, detail: ["by": who, "reason": reason])
                gateway.log.warning(
                    "what is not granted any more could not be taken back",
                    ["host.name": host, "error": reason])
            }
            do { _ = try gateway.events.append(event) } catch {
                gateway.log.error("an event could not be noted", ["error": "\(error)"])
            }
        }
    }
}
