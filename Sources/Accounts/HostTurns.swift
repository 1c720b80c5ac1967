internal import Support

/// One run at a time on each host; the others wait for it.
package final class HostTurns: Sendable {
    private let taken = Awaited<Set<String>>([])

    package init() {}

    /// Runs `body` when nobody else is at the host.
    package func run<Result>(at host: String, _ body: () throws -> Result) rethrows -> Result {
        taken.wait { $0.insert(host).inserted ? () : nil }
        defer { taken.change { _ = $0.remove(host) } }
        return try body()
    }
}
