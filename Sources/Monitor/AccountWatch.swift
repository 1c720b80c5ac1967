import Accounts
import Audit
import Commands
import Configuration
import Directory
import Glibc
package import Support

/// Asks the hosts from time to time, and after a change of the directory, whether their accounts are as they should be.
///
/// It changes nothing there: what it finds is what `gatehouse account status` shows, and what has drifted is an event.
struct AccountWatch: Sendable {
    /// A change is looked at when no other has come for so long.
    private static let calm = Duration.seconds(2)

    let gateway: Gateway

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("accounts") { watch() }
    }

    private func watch() {
        var schedule = CheckSchedule(calm: Self.calm)
        while true {
            sleep(1)
            do {
                let interval = gateway.settings.configuration.driftCheckInterval
                let generation = try gateway.directory.generation()
                switch schedule.next(at: .now, generation: generation, interval: interval) {
                case .nothing: break
                case .all: try check { _ in true }
                case .changed: try check { try isBehind($0) }
                }
            } catch {
                gateway.log.error("accounts cannot be checked", ["error": "\(error)"])
            }
        }
    }

    /// Whether the directory wants something of a host that it has not reported yet.
    private func isBehind(_ host: String) throws -> Bool {
        try gateway.accounts.status(host: host).contains { $0.state != .ok && $0.state != .locked }
    }

    private func check(_ isWanted: (String) throws -> Bool) throws {
        let accounts = gateway.accounts
        try accounts.forgetRemovedHosts()
        let hosts = try gateway.directory.hosts().filter { $0.instance?.state.isDown != true }
            .map(\.name).filter(isWanted)
        for (host, outcome) in zip(hosts, accounts.plan(hosts: hosts)) {
            do {
                guard let event = Event(try outcome.get(), on: host) else { continue }
                try gateway.events.append(event)
                gateway.log.notice(
                    "accounts drifted", ["host.name": host, "what": event.detail["what"] ?? ""])
            } catch {
                let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
                gateway.log.notice("accounts not checked", ["host.name": host, "error": reason])
            }
        }
    }
}

/// When accounts are checked. Pure: the time is a parameter.
package struct CheckSchedule: Sendable {
    /// What is due.
    package enum Work: Equatable, Sendable {
        case nothing
        /// The interval has passed: every host.
        case all
        /// The directory has changed and is calm again: the hosts that are behind.
        case changed
    }

    private let calm: Duration
    private var lastFull: MonotonicTime?
    private var generation: Int64?
    private var changedAt: MonotonicTime?

    package init(calm: Duration) {
        self.calm = calm
    }

    /// What is to be done now.
    ///
    /// - Parameter interval: from one look at every host to the next; zero: nothing is ever done.
    package mutating func next(at now: MonotonicTime, generation: Int64, interval: Duration) -> Work {
        if self.generation != generation {
            if self.generation != nil { changedAt = now }
            self.generation = generation
        }
        guard interval > .zero else {
            (lastFull, changedAt) = (nil, nil)
            return .nothing
        }
        // The first look is an interval after the start, so that a restart asks nobody.
        let begin = lastFull ?? now
        lastFull = begin
        if now >= begin + interval {
            (lastFull, changedAt) = (now, nil)
            return .all
        }
        guard let changed = changedAt, now >= changed + calm else { return .nothing }
        changedAt = nil
        return .changed
    }
}
