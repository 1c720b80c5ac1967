internal import Support

/// What is to be read, shared by the readers. Deep first, so that little is pending at any time.
final class WorkStack: Sendable {
    fileprivate struct State: Sendable {
        var lists: [PendingNames] = []
        /// Given out and not in the book.
        var issued: [Int: PendingDirectory] = [:]
        /// Given out, and what is in them was not pushed yet.
        var unlisted: [Int: PendingDirectory] = [:]
        /// Directories by themselves: the root, and what a killed scan was at.
        var single: [PendingDirectory] = []
        var nextSerial = 1
        var waiting = 0
        var isOver = false
    }

    private let state = Awaited(State())
    private let readerCount: Int

    /// - Parameter readerCount: how many threads call `next`.
    init(readerCount: Int) {
        self.readerCount = readerCount
    }

    /// Makes a directory that hangs on nothing that is pending.
    func makeDirectory(_ make: @Sendable (_ serial: Int) -> PendingDirectory) -> PendingDirectory {
        state.change { state in
            state.nextSerial += 1
            return make(state.nextSerial)
        }
    }

    func push(_ directory: PendingDirectory) {
        state.change { $0.single.append(directory) }
    }

    /// Adds directories.
    ///
    /// - Parameter isResult: the parent was given out, and this is all that was found in it.
    func push(_ names: PendingNames, isResult: Bool) {
        state.changeQuietly { state in
            if isResult { state.unlisted[names.parent.serial] = nil }
            if names.isEmpty { return ((), wakes: false) }
            state.lists.append(names)
            return ((), wakes: state.waiting > 0)
        }
    }

    /// The next directory to read; waits while others may still find some. Nil: everything has been read, or the work was stopped.
    func next() -> PendingDirectory? {
        var isWaiting = false
        return state.wait { state -> PendingDirectory?? in
            if isWaiting {
                state.waiting -= 1
                isWaiting = false
            }
            if state.isOver { return .some(nil) }
            if let directory = state.take() { return .some(directory) }
            if state.waiting == readerCount - 1 {
                state.isOver = true
                return .some(nil)
            }
            state.waiting += 1
            isWaiting = true
            return nil
        }
    }

    /// Wakes the readers that wait after the last one has found the end.
    func announceEnd() {
        state.change { $0.isOver = true }
    }

    /// What is left to do.
    struct Rest: Sendable {
        /// To be read, with what is below them.
        var directories: [PendingDirectory]
        /// In the book, and everything below them is to be read.
        var whole: [PendingDirectory]
        var lists: [PendingNames]
    }

    /// Takes away what the book has now, and tells what is left.
    func retire(_ serials: [Int]) -> Rest {
        state.changeQuietly { state in
            for serial in serials { state.issued[serial] = nil }
            let whole = state.unlisted.values.filter { state.issued[$0.serial] == nil }
            let rest = Rest(
                directories: state.single + state.issued.values, whole: whole, lists: state.lists)
            return (rest, wakes: false)
        }
    }
}

extension WorkStack.State {
    fileprivate mutating func take() -> PendingDirectory? {
        if let directory = single.popLast() {
            issue(directory)
            return directory
        }
        guard let last = lists.indices.last else { return nil }
        nextSerial += 1
        let parent = lists[last].parent
        let directory = PendingDirectory(lists[last].removeFirst(), in: parent, serial: nextSerial)
        if lists[last].isEmpty { lists.removeLast() }
        issue(directory)
        return directory
    }

    private mutating func issue(_ directory: PendingDirectory) {
        issued[directory.serial] = directory
        unlisted[directory.serial] = directory
    }
}
