import CSupport
import Glibc

extension Descriptor {
    /// Waits until poll(2) reports one of `events` (or an error or hang-up, which the next call will tell).
    ///
    /// - Returns: false when `deadline` passed first; nil waits for ever.
    package func waits(for events: Int16, until deadline: MonotonicTime?) -> Bool {
        var request = pollfd(fd: number, events: events, revents: 0)
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = (deadline - .now).milliseconds
                milliseconds = Int32(clamping: max(0, left))
            }
            let result = unsafe poll(&request, 1, milliseconds)
            if result > 0 { return true }
            if result == 0 { return false }
            if errno != EINTR { return true }
        }
    }

    /// Keeps room on the disk for a file that will grow by as much; its length stays.
    ///
    /// - Returns: false: there is no room. Where the file system cannot keep room, there may be.
    /// - Throws: `SystemError` of fallocate(2).
    package func reserve(_ count: Int64) throws(SystemError) -> Bool {
        let result = gh_reserve_room(number, count)
        switch -result {
        case ENOSPC, EDQUOT: return false
        case EOPNOTSUPP: return true
        default:
            try SystemError.checkNegated(result, "fallocate")
            return true
        }
    }

    /// Takes the write lock of this open file description on the whole file, without waiting.
    ///
    /// The lock goes with the last descriptor of the description, whoever holds it.
    /// - Throws: `SystemError`: EAGAIN when another holds it.
    package func lock() throws(SystemError) {
        try SystemError.checkNegated(gh_lock_file(number), "lock")
    }

    /// Whether another open file description holds the write lock.
    ///
    /// - Throws: `SystemError` of fcntl(2).
    package func isLocked() throws(SystemError) -> Bool {
        try SystemError.checkNegated(gh_file_is_locked(number), "lock") == 1
    }
}
