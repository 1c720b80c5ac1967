package import AWS
internal import CSupport
internal import Glibc
package import Support

/// Joins two descriptors to a port of an instance through Session Manager, in one loop on one thread.
///
/// Bytes under way are bounded in both directions: what the port sends waits for the reader of `output`, and then the agent for
/// its acknowledgements; what comes from `input` is read only while there is room. However it ends, the session is terminated.
package final class Tunnel {
    private static let inputByteCount = 64 * DataChannel.chunkByteCount
    /// What the port sent and nobody has read; above it the stream is not read.
    private static let outputLimit = 16 << 20

    /// Why the loop ends without anything being wrong.
    private enum End: Error {
        /// The reader of what the port sends is gone, or a signal came.
        case abandoned
        /// All that came in has arrived at the agent.
        case inputDone
        /// The service says so, for this reason.
        case closed(String)
    }

    private let keys: KMSClient
    private let instanceID: String
    private let limits: TunnelLimits
    private let input: Descriptor
    private let output: Descriptor
    private let signals: [Descriptor]
    private let session: PortSession

    private var channel = DataChannel()
    private var phaseDeadline: MonotonicTime?
    private var isOpened = false
    private var hasDelivered = false
    /// Set when nothing more comes in; the rest has to arrive until then.
    private var inputDeadline: MonotonicTime?
    private var undelivered = ByteQueue()
    private var lastHeard = MonotonicTime.now
    private var isPinged = false
    private var buffer = [UInt8](repeating: 0, count: inputByteCount)

    /// Opens the session; the agent has not answered yet.
    ///
    /// - Parameters:
    ///   - reason: shown in AWS's list of sessions.
    ///   - announce: is told the session's identifier as soon as there is one.
    ///   - input: its bytes go to the port; its end ends the session.
    ///   - output: takes what the port sends. Both are made non-blocking.
    /// - Throws: `AWSError`, `ChannelError` or `SystemError`; then no session is left.
    package init(
        _ session: AWSSession, instanceID: String, port: UInt16, reason: String, input: Descriptor,
        output: Descriptor, limits: TunnelLimits = TunnelLimits(), announce: (String) -> Void = { _ in }
    ) throws {
        keys = KMSClient(session)
        (self.instanceID, self.input, self.output, self.limits) = (instanceID, input, output, limits)
        // From here on a signal ends the session in an orderly way.
        signals = try [SIGTERM, SIGINT, SIGHUP].map { signal throws(SystemError) in
            Descriptor(adopting: try SystemError.checkNegated(gh_signal_descriptor(signal), "signalfd"))
        }
        try input.setNonBlocking(true)
        try output.setNonBlocking(true)
        self.session = try PortSession(
            session, instanceID: instanceID, port: port, reason: reason, attemptLimit: limits.connectAttempts,
            announce: announce)
        phaseDeadline = .now + limits.handshake
    }

    /// Moves bytes until either side ends or a signal comes. Call once.
    ///
    /// - Throws: `AWSError`, `ChannelError` or `SystemError`.
    package func run() throws {
        defer { session.terminate() }
        do {
            while true { try step() }
        } catch let end as End {
            try finish(end)
        }
    }

    private func step() throws {
        do {
            try session.socket.flush()
            try waitForEvents()
            try readStream()
            try readInput()
            try writeOutput()
            try keepTime()
        } catch let error as ChannelError where error.code == .disconnected {
            try session.resume()
            lastHeard = .now
            isPinged = false
            try perform(channel.reconnected(at: .now))
        }
    }

    private func finish(_ end: End) throws {
        switch end {
        case .abandoned, .inputDone:
            try perform([channel.terminate(at: .now)])
            try? session.socket.flush()
        case .closed(let reason):
            try deliverRest()
            guard hasDelivered else {
                let words = reason.isEmpty ? "" : ": \(reason.printable)"
                throw ChannelError(.ended, "the session ended before anything came through it\(words)")
            }
        }
    }

    /// What the port sent last must not be lost because its reader is slow.
    private func deliverRest() throws {
        let deadline = MonotonicTime.now + limits.farewell
        while !undelivered.isEmpty, output.waits(for: Int16(POLLOUT), until: deadline) {
            do { try writeOutput() } catch is End { return }
        }
    }

    private func waitForEvents() throws {
        let socket = session.socket
        let takesInput = channel.hasRoom && socket.hasRoom && inputDeadline == nil
        let isFull = undelivered.count > Self.outputLimit
        var requests = [
            pollfd(
                fd: socket.descriptor,
                events: (isFull ? 0 : Int16(POLLIN)) | (socket.hasBacklog ? Int16(POLLOUT) : 0), revents: 0),
            pollfd(fd: takesInput ? input.number : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: output.number, events: undelivered.isEmpty ? 0 : Int16(POLLOUT), revents: 0),
        ]
        requests += signals.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        let deadlines = [channel.deadline(), phaseDeadline, inputDeadline, lastHeard + limits.keepAlive]
            .compactMap { $0 }
        // One millisecond more, since times are cut off and not rounded.
        let pause = deadlines.min().map { ($0 - .now).milliseconds + 1 } ?? 60_000
        let count = unsafe poll(
            &requests, nfds_t(requests.count), Int32(clamping: max(0, min(pause, 60_000))))
        if count < 0, errno != EINTR { throw SystemError("poll") }
        guard count > 0 else { return }
        if requests[3...].contains(where: { $0.revents != 0 }) { throw End.abandoned }
        // All that is ever reported of a reader that is gone.
        if requests[2].revents & Int16(POLLERR | POLLNVAL) != 0 { throw End.abandoned }
    }

    private func readStream() throws {
        while undelivered.count <= Self.outputLimit, let event = try session.socket.receive() {
            lastHeard = .now
            isPinged = false
            switch event {
            case .binary(let bytes):
                try perform(channel.receive(bytes, at: .now))
            case .close(let code, let reason):
                let words = reason.isEmpty ? "" : ": \(reason.printable)"
                // Policy violation: what a token that is not good any more is answered with.
                if code == 1_008 {
                    throw ChannelError(.rejected, "the service does not take the session's token\(words)")
                }
                throw ChannelError(.disconnected, "the service closed the stream with code \(code)\(words)")
            case .text, .ping, .pong:
                break
            }
        }
    }

    private func readInput() throws {
        while channel.hasRoom, session.socket.hasRoom, inputDeadline == nil {
            let count: Int
            do throws(SystemError) {
                count = try input.read(into: &buffer)
            } catch {
                if error.number == EAGAIN { return }
                if error.number == ECONNRESET { throw End.abandoned }
                throw error
            }
            if count == 0 { inputDeadline = .now + limits.lastInput }
            for start in stride(from: 0, to: count, by: DataChannel.chunkByteCount) {
                let chunk = Array(buffer[start..<min(start + DataChannel.chunkByteCount, count)])
                try perform([channel.send(chunk, at: .now)])
            }
        }
        if inputDeadline != nil, channel.isFlushed { throw End.inputDone }
    }

    private func writeOutput() throws {
        var taken = 0
        try undelivered.drain { bytes throws(End) in
            let count = unsafe bytes.withUnsafeBytes { raw in
                unsafe write(output.number, raw.baseAddress, raw.count)
            }
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { return 0 }
                throw .abandoned
            }
            taken += count
            return count
        }
        if taken > 0 { try perform(channel.noteTaken(taken)) }
    }

    private func keepTime() throws {
        let now = MonotonicTime.now
        if let phaseDeadline, now >= phaseDeadline {
            throw isOpened
                ? ChannelError(
                    .portSilent, "nothing speaks on the instance's port: it is closed, or its sshd hangs")
                : ChannelError(.agentSilent, "the instance's agent does not answer")
        }
        // An agent that is gone takes it never.
        if let inputDeadline, now >= inputDeadline { throw End.abandoned }
        try perform(channel.tick(at: now))
        guard now - lastHeard >= limits.keepAlive else { return }
        if isPinged { throw ChannelError(.disconnected, "the session's stream is dead") }
        isPinged = true
        lastHeard = now
        session.socket.send(.ping, [])
    }

    private func perform(_ actions: [DataChannel.Action]) throws {
        for action in actions {
            switch action {
            case .transmit(let bytes):
                session.socket.send(.binary, bytes)
            case .deliver(let bytes):
                hasDelivered = true
                phaseDeadline = nil
                undelivered.append(bytes)
            case .makeDataKey(let keyID, let challenge):
                try perform(dataKey(keyID, challenge))
            case .opened:
                isOpened = true
                phaseDeadline = .now + limits.firstByte
            case .closed(let reason):
                throw End.closed(reason)
            }
        }
    }

    private func dataKey(_ keyID: String, _ challenge: String?) throws -> [DataChannel.Action] {
        var context = ["aws:ssm:SessionId": session.id, "aws:ssm:TargetId": instanceID]
        context["aws:ssm:RandomChallenge"] = challenge
        let key = try keys.generateDataKey(
            keyID: keyID, byteCount: ChannelCipher.keyByteCount, context: context)
        return try channel.useDataKey(plain: key.plain, sealed: key.sealed, at: .now)
    }
}
