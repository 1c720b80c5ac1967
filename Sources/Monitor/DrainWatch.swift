import Accounts
import Commands
import Directory
import Glibc
import Support

/// Tells people who are still on a host that is being drained that its deadline is near. The watchman ends what is left then.
struct DrainWatch: Sendable {
    /// How long before the deadline they are told once more, if there was more time than twice that.
    private static let notice = Duration.seconds(300)

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
            sleep(2)
            do {
                for host in try gateway.directory.hosts() where host.drain != told[host.name] {
                    guard let drain = host.drain, let deadline = drain.deadline else { continue }
                    guard drain.since + Self.notice + Self.notice < deadline,
                        .now + Self.notice >= deadline, .now < deadline
                    else { continue }
                    told[host.name] = drain
                    do {
                        try gateway.wall(
                            "\(host.name): sessions end at \(deadline).\n\(drain.message)", on: host)
                    } catch {
                        gateway.log.warning(
                            "people on a host cannot be told",
                            ["host.name": host.name, "error": ErrorReport(for: error).reasons.joined()])
                    }
                }
            } catch {
                gateway.log.error("drained hosts cannot be looked after", ["error": "\(error)"])
            }
        }
    }
}

extension Gateway {
    /// Writes a line on all terminals of a host.
    ///
    /// - Throws: `CommandError` and the like when the host cannot be worked on.
    func wall(_ text: String, on host: Host) throws {
        let result = try executor.withLock { $0 }.run(
            "exec wall", input: Array("\(text)\n".utf8), on: host)
        guard result.status == 0 else {
            let words = String(decoding: result.errorOutput.suffix(200), as: UTF8.self).printable
            throw CommandError(.failure, "wall on \(host.name) failed with status \(result.status): \(words)")
        }
    }
}
