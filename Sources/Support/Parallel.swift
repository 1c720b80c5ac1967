/// The same work for several things, on several threads.
package enum Parallel {
    private struct Progress<Result: Sendable>: Sendable {
        var next = 0
        var results: [Int: Result] = [:]
    }

    /// What `body` gives for each item, in their order; blocks until all are done.
    ///
    /// - Parameter limit: threads at the most, this one among them.
    package static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item], limit: Int, _ body: @escaping @Sendable (Item) -> Result
    ) -> [Result] {
        let progress = Awaited(Progress<Result>())
        let work: @Sendable () -> Void = {
            while true {
                let index = progress.change { progress in
                    defer { progress.next += 1 }
                    return progress.next
                }
                guard index < items.count else { return }
                let result = body(items[index])
                progress.change { $0.results[index] = result }
            }
        }
        for _ in 1..<max(1, min(limit, items.count)) {
            // Fewer threads do the same work.
            do { try Thread.start("parallel", work) } catch { break }
        }
        work()
        return progress.wait { progress in
            let results = items.indices.compactMap { progress.results[$0] }
            return results.count == items.count ? results : nil
        }
    }
}
