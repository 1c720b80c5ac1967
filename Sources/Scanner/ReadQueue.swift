internal import Ownership
internal import Support

/// A directory that a reader has read, or could not.
// Changed by the reader that made it until it hands it over, and never after that.
final class ReadDirectory: @unchecked Sendable {
    let directory: PendingDirectory
    /// Nil: it could not be opened or read to its end.
    var packed: PackedDirectory?
    var problems: [ScanProblem] = []
    /// Names that are there and of which nothing else could be found out.
    var unknownNames: [[UInt8]] = []
    var mounts = 0

    init(_ directory: PendingDirectory) {
        self.directory = directory
    }
}

/// What readers have read, for the one thread that writes. A parent comes before what is in it.
final class ReadQueue: Sendable {
    fileprivate struct State: Sendable {
        var items: [ReadDirectory] = []
        var entryCount = 0
        var isClosed = false
        var wasFull = false
        var taken = MonotonicTime.now
    }

    /// More entries than these wait for the writer.
    private static let entryLimit = 200_000
    /// The writer is not woken for less.
    private static let batch = 48

    private let state = Awaited(State())

    /// Hands a directory over; waits while the writer has too much to do. False: nobody takes it any more.
    func put(_ item: ReadDirectory) -> Bool {
        let count = item.packed?.entryCount ?? 0
        let isOpen = state.changeQuietly { state -> (result: Bool?, wakes: Bool) in
            if state.isClosed { return (false, wakes: false) }
            if state.entryCount > Self.entryLimit { return (nil, wakes: true) }
            state.add(item, count)
            return (true, wakes: state.items.count == Self.batch || state.isOverdue)
        }
        if let isOpen { return isOpen }
        return state.wait { state -> Bool? in
            if state.isClosed { return false }
            if state.entryCount > Self.entryLimit { return nil }
            state.add(item, count)
            return true
        }
    }

    /// Everything that waits; waits for some. Nil: the queue is closed and empty.
    func take() -> [ReadDirectory]? {
        let items = state.wait { state -> [ReadDirectory]?? in
            guard
                state.items.count >= Self.batch || state.isClosed || state.entryCount > Self.entryLimit
                    || (state.isOverdue && !state.items.isEmpty)
            else { return nil }
            let items = state.items
            state.items = []
            state.wasFull = state.entryCount > Self.entryLimit
            state.entryCount = 0
            state.taken = .now
            return .some(items.isEmpty ? nil : items)
        }
        // Readers wait only when there was too much.
        state.changeQuietly { state in
            defer { state.wasFull = false }
            return ((), wakes: state.wasFull)
        }
        return items
    }

    /// No more comes, or no more is taken.
    func close() {
        state.change { $0.isClosed = true }
    }
}

extension ReadQueue.State {
    /// Where little is read in a second, the book has it within the second all the same.
    fileprivate var isOverdue: Bool { MonotonicTime.now - taken > .seconds(1) }

    fileprivate mutating func add(_ item: ReadDirectory, _ count: Int) {
        items.append(item)
        entryCount += count
    }
}
