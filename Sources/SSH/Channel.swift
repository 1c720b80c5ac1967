import CLibSSH

/// One channel of a connection (RFC 4254 section 5).
///
/// Data stays in libssh's buffers until it is read, which keeps the peer's window closed: that is the back-pressure. The callbacks only
/// take notes. A class because libssh keeps pointers into it; it frees the channel when the last reference goes.
@safe
package final class Channel {
    /// The two streams of a session channel.
    package enum Stream: Int32, Sendable, CaseIterable {
        case standard = 0
        case error = 1
    }

    /// How a program was ended (RFC 4254 section 6.10).
    package struct ExitSignal: Equatable, Sendable {
        package var name: [UInt8]
        package var coreDumped: Bool
        package var message: [UInt8]

        package init(name: [UInt8], coreDumped: Bool, message: [UInt8]) {
            self.name = name
            self.coreDumped = coreDumped
            self.message = message
        }
    }

    /// The connection it belongs to.
    package let transport: Transport

    /// Bytes received and not read yet, per stream.
    package private(set) var bufferedStandard = 0
    package private(set) var bufferedError = 0

    /// The peer will send no more data.
    package fileprivate(set) var hasEnded = false
    /// The peer has closed the channel.
    package fileprivate(set) var isClosedByPeer = false
    /// The program's exit status, as received.
    package fileprivate(set) var exitStatus: Int32?
    /// The signal that ended the program, as received.
    package fileprivate(set) var exitSignal: ExitSignal?
    /// Signals the peer sent since these were last taken, without `SIG`.
    package var receivedSignals: [[UInt8]] = []
    /// The peer asked for agent forwarding; only noted after `allowAgentRequest`.
    package var agentWasRequested = false

    /// Set once our own CLOSE has been sent.
    package private(set) var isClosed = false
    private var hasSentEnd = false

    let raw: ssh_channel
    private let callbacks: ssh_channel_callbacks

    /// Takes over an open or new channel.
    init(adopting raw: ssh_channel, of transport: Transport) {
        unsafe self.raw = raw
        self.transport = transport
        unsafe callbacks = .allocate(capacity: 1)
        unsafe callbacks.initialize(to: ssh_channel_callbacks_struct())
        unsafe callbacks.pointee.size = MemoryLayout<ssh_channel_callbacks_struct>.size
        unsafe callbacks.pointee.userdata = Unmanaged.passUnretained(self).toOpaque()
        unsafe callbacks.pointee.channel_data_function = noteData
        unsafe callbacks.pointee.channel_eof_function = noteEnd
        unsafe callbacks.pointee.channel_close_function = noteClose
        unsafe callbacks.pointee.channel_signal_function = noteSignal
        unsafe callbacks.pointee.channel_exit_status_function = noteExitStatus
        unsafe callbacks.pointee.channel_exit_signal_function = noteExitSignal
        unsafe ssh_set_channel_callbacks(raw, callbacks)
    }

    deinit {
        unsafe ssh_remove_channel_callbacks(raw, callbacks)
        unsafe ssh_channel_free(raw)
        unsafe callbacks.deallocate()
    }

    /// Equals `IncomingMessage.channelIdentity` of this channel's requests.
    package var identity: UInt { unsafe UInt(bitPattern: raw) }

    /// Says yes to the peer's requests for agent forwarding from now on.
    package func allowAgentRequest() {
        unsafe callbacks.pointee.channel_auth_agent_req_function = noteAgentRequest
    }

    /// How many bytes the peer lets us send now.
    package var window: Int {
        unsafe Int(ssh_channel_window_size(raw))
    }

    /// Bytes received and not read yet.
    package func buffered(_ stream: Stream) -> Int {
        stream == .standard ? bufferedStandard : bufferedError
    }

    fileprivate func setBuffered(_ count: Int, _ stream: Stream) {
        if stream == .standard { bufferedStandard = count } else { bufferedError = count }
    }

    /// Reads what is buffered, `buffer.count` bytes at most.
    ///
    /// - Returns: how many bytes; 0 when there is nothing, also after an error.
    package func read(_ stream: Stream, into buffer: inout [UInt8], limit: Int) -> Int {
        let wanted = min(buffered(stream), limit, buffer.count)
        guard wanted > 0 else { return 0 }
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe ssh_channel_read_timeout(raw, $0.baseAddress, UInt32(wanted), stream.rawValue, 0)
        }
        guard count > 0 else {
            setBuffered(0, stream)
            return 0
        }
        setBuffered(buffered(stream) - Int(count), stream)
        return Int(count)
    }

    /// Writes as much of `bytes` as window and state allow now.
    ///
    /// - Returns: how many bytes were taken; nil when the channel takes no more.
    package func write(_ stream: Stream, _ bytes: ArraySlice<UInt8>) -> Int? {
        let limit = min(bytes.count, window)
        guard limit > 0 else { return isClosed || isClosedByPeer ? nil : 0 }
        let taken = unsafe bytes.withUnsafeBytes {
            stream == .standard
                ? unsafe ssh_channel_write(raw, $0.baseAddress, UInt32(limit))
                : unsafe ssh_channel_write_stderr(raw, $0.baseAddress, UInt32(limit))
        }
        guard taken >= 0 else { return nil }
        transport.bytesSinceDrained += Int(taken)
        return Int(taken)
    }

    /// Says that no more data will come.
    package func sendEnd() {
        guard !hasSentEnd, !isClosed else { return }
        hasSentEnd = true
        unsafe ssh_channel_send_eof(raw)
    }

    /// Closes the channel for both directions.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe ssh_channel_close(raw)
    }

    /// Tells the peer the program's exit status.
    package func sendExitStatus(_ status: Int32) {
        unsafe ssh_channel_request_send_exit_status(raw, status)
    }

    /// Tells the peer which signal ended the program.
    package func sendExitSignal(_ signal: ExitSignal) {
        _ = unsafe withCString(signal.name) { name in
            unsafe withCString(signal.message) { message in
                unsafe ssh_channel_request_send_exit_signal(raw, name, signal.coreDumped ? 1 : 0, message, "")
            }
        }
    }
}

/// Runs `body` with a NUL-terminated copy of `bytes`.
func withCString<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    let terminated = bytes.map { CChar(bitPattern: $0) } + [0]
    return unsafe terminated.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}

// The callbacks are file-scope functions: libssh calls them from within `Transport.process` and other calls on the same thread.

private func channel(_ context: UnsafeMutableRawPointer?) -> Channel? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<Channel>.fromOpaque(context).takeUnretainedValue()
}

private func copy(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text = unsafe text else { return [] }
    return unsafe Array(String(cString: text).utf8.prefix(1_024))
}

private func noteData(
    _: ssh_session?, _: ssh_channel?, _: UnsafeMutableRawPointer?, _ total: UInt32, _ isError: Int32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let channel = unsafe channel(context) else { return 0 }
    channel.transport.dataPackets += 1
    channel.setBuffered(Int(total), isError == 0 ? .standard : .error)
    // Nothing is consumed: the bytes stay in libssh and hold the window closed.
    return 0
}

private func noteEnd(_: ssh_session?, _: ssh_channel?, _ context: UnsafeMutableRawPointer?) {
    unsafe channel(context)?.hasEnded = true
}

private func noteClose(_: ssh_session?, _: ssh_channel?, _ context: UnsafeMutableRawPointer?) {
    unsafe channel(context)?.isClosedByPeer = true
}

private func noteSignal(
    _: ssh_session?, _: ssh_channel?, _ signal: UnsafePointer<CChar>?, _ context: UnsafeMutableRawPointer?
) {
    guard let channel = unsafe channel(context), channel.receivedSignals.count < 64 else { return }
    unsafe channel.receivedSignals.append(copy(signal))
}

private func noteExitStatus(
    _: ssh_session?, _: ssh_channel?, _ status: Int32, _ context: UnsafeMutableRawPointer?
) {
    unsafe channel(context)?.exitStatus = status
}

private func noteExitSignal(
    _: ssh_session?, _: ssh_channel?, _ signal: UnsafePointer<CChar>?, _ core: Int32,
    _ message: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _ context: UnsafeMutableRawPointer?
) {
    unsafe channel(context)?.exitSignal = Channel.ExitSignal(
        name: copy(signal), coreDumped: core != 0, message: copy(message))
}

private func noteAgentRequest(_: ssh_session?, _: ssh_channel?, _ context: UnsafeMutableRawPointer?) {
    unsafe channel(context)?.agentWasRequested = true
}
