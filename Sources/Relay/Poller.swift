import Glibc
import Support

/// One round of poll(2): who waits for what.
struct Poller {
    private var entries: [pollfd] = []
    private var deadline: MonotonicTime?

    init() {}

    /// Waits for `descriptor` to become readable, or writable when `writing`.
    ///
    /// - Returns: the index to ask `isReady` about.
    @discardableResult
    mutating func add(_ descriptor: Descriptor, reading: Bool = true, writing: Bool = false) -> Int {
        let events = (reading ? Int16(POLLIN) : 0) | (writing ? Int16(POLLOUT) : 0)
        entries.append(pollfd(fd: descriptor.number, events: events, revents: 0))
        return entries.count - 1
    }

    /// Waits no longer than until `time`.
    mutating func limit(to time: MonotonicTime) {
        deadline = deadline.map { min($0, time) } ?? time
    }

    /// Waits until something is ready or the earliest limit has come.
    mutating func wait() {
        var timeout: Int32 = -1
        if let deadline {
            // One more millisecond: the clock is finer than poll's.
            let left = (deadline - MonotonicTime.now).milliseconds
            timeout = left < 0 ? 0 : Int32(clamping: left + 1)
        }
        _ = unsafe entries.withUnsafeMutableBufferPointer {
            unsafe poll($0.baseAddress, nfds_t($0.count), timeout)
        }
    }

    /// Takes what is ready now, without waiting.
    mutating func check() {
        _ = unsafe entries.withUnsafeMutableBufferPointer { unsafe poll($0.baseAddress, nfds_t($0.count), 0) }
    }

    /// Whether anything happened to the entry, errors included.
    func isReady(_ index: Int) -> Bool { entries[index].revents != 0 }
}
