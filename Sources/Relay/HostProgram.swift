import Control
import Glibc
import SSH
import Support

/// Runs one program on a host for the daemon: descriptors 0, 1 and 2 are the program's.
///
/// Exits with the program's status, or 255 with a sentence on descriptor 2.
enum HostProgram {
    static func run(_ command: String, daemon: DaemonLink) -> Int32 {
        do {
            let upstream = try Upstream(daemon: daemon, rekeyBytes: 0, timeout: .seconds(20))
            guard let transport = logIn(upstream, daemon) else { return fail(upstream) }
            let channel = try transport.makeChannel()
            guard settle(transport, { channel.open(.session) }),
                settle(transport, { channel.request(.exec(Array(command.utf8))) })
            else { return fail("the host would not run the program: \(transport.errorText)") }
            return try relay(channel, transport)
        } catch {
            return fail("\(error)")
        }
    }

    private static func fail(_ sentence: String) -> Int32 {
        try? Descriptor(adopting: 2).writeAll(Array("\(sentence)\n".utf8))
        return 255
    }

    private static func fail(_ upstream: Upstream) -> Int32 {
        guard case .failed(let reason) = upstream.state else { return fail("the host did not answer") }
        return fail(reason)
    }

    private static func logIn(_ upstream: Upstream, _ daemon: DaemonLink) -> ClientTransport? {
        while true {
            switch upstream.state {
            case .ready:
                // The daemon's last answer belongs to nobody else.
                return upstream.transport
            case .failed: return nil
            case .asking: daemon.receive()
            case .connecting, .loggingIn:
                var poller = Poller()
                _ = upstream.register(with: &poller)
                poller.wait()
                upstream.advance()
            }
        }
    }

    /// Repeats a step until the host has answered.
    private static func settle(_ transport: ClientTransport, _ step: () -> Progress) -> Bool {
        while true {
            switch step() {
            case .done: return true
            case .refused: return false
            case .again:
                var poller = Poller()
                poller.add(transport.descriptor, writing: transport.wantsToWrite)
                poller.wait()
                guard transport.process() else { return false }
            }
        }
    }

    /// Moves the three streams until the program has ended.
    private static func relay(_ channel: Channel, _ transport: ClientTransport) throws -> Int32 {
        let input = Descriptor(adopting: 0)
        let output = Descriptor(adopting: 1)
        let errors = Descriptor(adopting: 2)
        var buffer = [UInt8](repeating: 0, count: RelayedStream.batchSize)
        var pending: ArraySlice<UInt8> = []
        var inputIsOpen = true
        while true {
            for (stream, sink) in [(Channel.Stream.standard, output), (.error, errors)] {
                while channel.buffered(stream) > 0 {
                    let count = channel.read(stream, into: &buffer, limit: buffer.count)
                    try sink.writeAll(buffer[..<count])
                }
            }
            if channel.isClosedByPeer { return channel.exitStatus ?? 255 }
            if !pending.isEmpty, transport.hasRoom {
                guard let taken = channel.write(.standard, pending) else { return channel.exitStatus ?? 255 }
                pending = pending.dropFirst(taken)
            }
            var poller = Poller()
            poller.add(transport.descriptor, writing: transport.wantsToWrite)
            let inputIndex = inputIsOpen && pending.isEmpty ? poller.add(input) : nil
            poller.wait()
            guard transport.process() else { return fail("the connection to the host was lost") }
            if let inputIndex, poller.isReady(inputIndex) {
                var piece = [UInt8](repeating: 0, count: 32 * 1024)
                let count = try input.read(into: &piece)
                pending = piece[..<count]
                if count == 0 {
                    inputIsOpen = false
                    channel.sendEnd()
                }
            }
        }
    }
}
