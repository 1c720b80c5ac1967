import Control
import Glibc
import Support

/// Messages to the gateway and from it, over two descriptors.
final class DeliveryStream {
    private let input: Descriptor
    private let output: Descriptor
    private var frames = DeliveryFrames()
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    init(input: Descriptor, output: Descriptor) {
        self.input = input
        self.output = output
    }

    /// Sends a whole message; blocks while the gateway does not take it.
    ///
    /// - Throws: `SystemError`, with EPIPE when the connection has ended.
    func send(_ message: DeliveryMessage) throws(SystemError) {
        try output.writeAll(message.encoded)
    }

    /// Waits until something comes, `deadline` at the latest, and gives the messages that are whole; nil at the end.
    ///
    /// - Throws: `SystemError`; `WireError`.
    func receive(until deadline: MonotonicTime) throws -> [DeliveryMessage]? {
        guard input.waits(for: Int16(POLLIN), until: deadline) else { return [] }
        let count = try input.read(into: &buffer)
        guard count > 0 else { return nil }
        frames.append(buffer[..<count])
        var messages: [DeliveryMessage] = []
        while let message = try frames.next() { messages.append(message) }
        return messages
    }
}
