import Glibc
import Recording
import Support

/// Waits for the ends of recorders, however many there are, on one thread.
///
/// Any thread may hand one over.
final class RecorderReaper: Sendable {
    private typealias Child = (process: ProcessHandle, recording: RecordingName)

    private let arrivals = Locked<[Child]>([])
    private let bell: (read: Descriptor, write: Descriptor)

    /// - Throws: `SystemError` of pipe(2).
    init() throws(SystemError) {
        bell = try Descriptor.pipe()
        // A bell that has been rung often enough need not be rung again.
        try bell.write.setNonBlocking(true)
    }

    /// Waits for ever, on a thread of its own.
    ///
    /// - Parameter ended: is told of each end, once, with the exit status; while it works no other end is told.
    /// - Throws: `SystemError` when there can be no thread.
    func start(_ ended: @escaping @Sendable (RecordingName, Int32) -> Void) throws(SystemError) {
        try Thread.start("recorders") { [self] in watch(ended) }
    }

    /// Waits for this one too.
    func take(_ process: ProcessHandle, of recording: RecordingName) {
        arrivals.withLock { $0.append((process, recording)) }
        try? bell.write.writeAll([1])
    }

    private func watch(_ ended: (RecordingName, Int32) -> Void) {
        var children: [Child] = []
        while true {
            let (gone, isRung) = ProcessHandle.ended(of: children.map(\.process), or: bell.read)
            for index in gone.reversed() {
                let child = children.remove(at: index)
                ended(child.recording, ChildProcess.wait(for: child.process.pid))
            }
            guard isRung else { continue }
            var rings = [UInt8](repeating: 0, count: 4_096)
            _ = try? bell.read.read(into: &rings)
            // In this order: who arrives now rings again.
            children += arrivals.withLock { arrivals in
                defer { arrivals = [] }
                return arrivals
            }
        }
    }
}
