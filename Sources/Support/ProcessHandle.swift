import CSupport
import Glibc

/// A process, held by a pidfd: a signal never reaches another one that got the same number later.
package final class ProcessHandle: Sendable {
    package let pid: Int32
    private let descriptor: Descriptor

    /// Takes hold of a process that runs or has not been reaped.
    ///
    /// - Throws: `SystemError`: ESRCH when there is none.
    package init(_ pid: Int32) throws(SystemError) {
        self.pid = pid
        descriptor = Descriptor(
            adopting: try SystemError.checkNegated(gh_pidfd_open(pid), "pidfd_open \(pid)"))
    }

    /// Sends a signal; a process that has ended is no error.
    ///
    /// - Parameter value: what else the process is told, as by sigqueue(3).
    /// - Throws: `SystemError` of pidfd_send_signal(2).
    package func send(_ signal: Int32, value: Int32 = 0) throws(SystemError) {
        let result = gh_pidfd_send_signal(descriptor.number, signal, value)
        if result != -ESRCH { try SystemError.checkNegated(result, "signal \(pid)") }
    }

    /// Waits for the process to end, which leaves reaping to its parent; false when it still runs after `timeout`.
    package func ends(within timeout: Duration) -> Bool {
        descriptor.waits(for: Int16(POLLIN), until: .now + timeout)
    }

    /// Waits until some of these have ended, or `other` can be read.
    ///
    /// - Returns: the indices of those that have ended, in order, and whether `other` can be read.
    package static func ended(
        of processes: [ProcessHandle], or other: Descriptor
    ) -> (ended: [Int], isOtherReadable: Bool) {
        var entries = (processes.map(\.descriptor.number) + [other.number]).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while unsafe poll(&entries, nfds_t(entries.count), -1) < 0, errno == EINTR {}
        return (
            processes.indices.filter { entries[$0].revents != 0 }, entries[processes.count].revents != 0
        )
    }

    /// When a process started, in clock ticks since the machine did; with the number it names a process for good.
    package static func startTime(of pid: Int32) -> UInt64? {
        guard let file = try? Descriptor.open("/proc/\(pid)/stat", O_RDONLY),
            let contents = try? file.readAll(limit: 4_096)
        else { return nil }
        // The second field is the program's name in parentheses and may hold anything; the 22nd is the start time.
        let text = String(decoding: contents, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
