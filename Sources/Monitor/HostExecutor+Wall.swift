import Accounts
import Commands
import Directory
import Support

extension HostExecutor {
    /// Writes a line on all terminals of a host.
    ///
    /// - Throws: `CommandError` when that does not work there; what the executor throws.
    func wall(_ text: String, on host: Host) throws {
        try checkWall(run("exec wall", input: Array("\(text)\n".utf8), on: host), on: host)
    }

    /// The same on several hosts, none of them twice, each with a line of its own; blocks until that is done.
    ///
    /// - Parameter failed: told of each host where it did not work; on any thread, on several at a time.
    func wall(
        _ lines: [(host: Host, text: String)], failed: @escaping @Sendable (Host, any Error) -> Void
    ) {
        let jobs = lines.map { HostJob(host: $0.host, input: Array("\($0.text)\n".utf8)) }
        run("exec wall", for: jobs) { number, result in
            let host = jobs[number].host
            do { try checkWall(try result.get(), on: host) } catch { failed(host, error) }
        }
    }

    private func checkWall(_ result: ExecutionResult, on host: Host) throws {
        guard result.status != 0 else { return }
        let words = String(decoding: result.errorOutput.suffix(200), as: UTF8.self).printable
        throw CommandError(.failure, "wall on \(host.name) failed with status \(result.status): \(words)")
    }
}
