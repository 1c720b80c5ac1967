import Accounts
import Commands
import Directory
import Glibc
import Support

/// Tells people who are still on a host that is being drained that its deadline is near. The watchman ends what is left then.
struct DrainWatch: Sendable {
    /// Seconds from one look to the next.
    private static let interval: UInt32 = 5
    /// Hosts at a time on which people are told.
    private static let threadLimit = 8

    let gateway: Gateway

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("drains") { watch() }
    }

    private func watch() {
        // A daemon that was just started does not know what its predecessor said.
        var told: [String: HostDrain] = [:]
        while true {
            sleep(Self.interval)
            do {
                let due = try gateway.directory.hosts().filter { host in
                    host.drain != told[host.name] && host.drain?.isNoticeDue(at: .now) == true
                }
                guard !due.isEmpty else { continue }
                // One that is slow keeps neither the others nor the next look waiting.
                try Thread.start("wall") { _ = Parallel.map(due, limit: Self.threadLimit) { tell($0) } }
                for host in due { told[host.name] = host.drain }
            } catch {
                gateway.log.error("drained hosts cannot be looked after", ["error": "\(error)"])
            }
        }
    }

    private func tell(_ host: Host) {
        guard let drain = host.drain, let deadline = drain.deadline else { return }
        do {
            try gateway.executor.withLock { $0 }.wall(
                "\(host.name): sessions end at \(deadline).\n\(drain.message)", on: host)
        } catch {
            gateway.log.warning(
                "people on a host cannot be told",
                ["host.name": host.name, "error": ErrorReport(for: error).reasons.joined()])
        }
    }
}
