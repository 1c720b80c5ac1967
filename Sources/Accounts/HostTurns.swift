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

    /// Takes the turns at those hosts at which nobody is; `end` gives each back.
    func begin(at hosts: [String]) -> Set<String> {
        taken.change { taken in
            let free = Set(hosts).subtracting(taken)
            taken.formUnion(free)
            return free
        }
    }

    /// Gives a turn back.
    func end(at host: String) {
        taken.change { _ = $0.remove(host) }
    }
}
