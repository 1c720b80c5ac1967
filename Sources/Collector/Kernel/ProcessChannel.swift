import CWatch
import Glibc
import Support

/// The subscription to the kernel's process connector.
///
/// Not `Sendable`: one thread uses it.
final class ProcessChannel {
    let descriptor: Descriptor
    private var buffer = [UInt8](repeating: 0, count: 4_096)

    /// - Throws: `SystemError`, such as `ECONNREFUSED` in a network namespace that is not the first.
    init() throws(SystemError) {
        let number = gh_processes_open()
        try SystemError.checkNegated(number, "subscribing to the process connector")
        descriptor = Descriptor(adopting: number)
    }

    /// Reads all notices that wait.
    ///
    /// - Returns: whether some were lost.
    func drain(into notices: inout [ProcessNotice]) -> Bool {
        var isLossy = false
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe recv(descriptor.number, raw.baseAddress, raw.count, Int32(MSG_DONTWAIT))
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == ENOBUFS {
                    isLossy = true
                    continue
                }
                return isLossy
            }
            ProcessNotice.decode(buffer, count: count, into: &notices)
        }
    }

    /// Waits for the kernel's word that it has heard: outside of the first process namespace it says nothing.
    func isAcknowledged(within timeout: Duration) -> Bool {
        let deadline = MonotonicTime.now + timeout
        var notices: [ProcessNotice] = []
        while descriptor.waits(for: Int16(POLLIN), until: deadline) {
            _ = drain(into: &notices)
            for case .acknowledged(let problem) in notices { return problem == 0 }
        }
        return false
    }
}
