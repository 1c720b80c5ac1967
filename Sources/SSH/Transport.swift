import CLibSSH
import CReadAhead
import CSupport
import Glibc
package import Support

/// One SSH connection held by libssh, in either role.
///
/// Non-blocking: each call does what the bytes at hand allow and returns. One thread only, and all its channels on that thread.
/// A class because libssh keeps pointers into it.
@safe
package class Transport {
    /// The connection's socket, for poll(2).
    package let descriptor: Descriptor

    let session: ssh_session
    private var event: ssh_event?
    private let packetCounter: ssh_counter
    private let socketCounter: ssh_counter

    /// Data packets seen by the channels' callbacks: what is left of all packets may be messages.
    var dataPackets: UInt64 = 0
    private var packetsLookedAt: UInt64 = 0

    /// Bytes given to libssh since its output buffer was last seen empty.
    var bytesSinceDrained = 0
    private static let outputLimit = 512 * 1024

    init(descriptor: Descriptor) throws(SSHError) {
        guard let session = unsafe ssh_new() else { throw SSHError(.outOfMemory, "ssh_new failed") }
        unsafe self.session = session
        self.descriptor = descriptor
        unsafe packetCounter = .allocate(capacity: 1)
        unsafe packetCounter.initialize(to: ssh_counter_struct())
        unsafe socketCounter = .allocate(capacity: 1)
        unsafe socketCounter.initialize(to: ssh_counter_struct())
        unsafe ssh_set_counters(session, socketCounter, packetCounter)
        unsafe ssh_set_blocking(session, 0)
    }

    deinit {
        if let event = unsafe event {
            unsafe ssh_event_remove_session(event, session)
            unsafe ssh_event_free(event)
        }
        unsafe ssh_set_counters(session, nil, nil)
        unsafe ssh_free(session)
        unsafe packetCounter.deallocate()
        unsafe socketCounter.deallocate()
    }

    /// libssh's last error text for this connection; may hold the peer's words.
    package var errorText: String {
        unsafe String(cString: ssh_get_error(UnsafeMutableRawPointer(session))).printable
    }

    /// Whether the connection is over.
    package var isClosed: Bool {
        unsafe ssh_get_status(session) & (SSH_CLOSED | SSH_CLOSED_ERROR) != 0
    }

    /// Whether bytes wait to be sent: poll for POLLOUT then.
    ///
    /// Not `ssh_get_poll_flags`, which keeps asking for POLLOUT after everything has been sent.
    package var wantsToWrite: Bool {
        unsafe ssh_get_status(session) & SSH_WRITE_PENDING != 0
    }

    /// Whether channels may write: false while much of what they wrote earlier has not reached the socket.
    ///
    /// libssh's output buffer has no bound of its own; this one keeps it below `outputLimit` and one batch.
    package var hasRoom: Bool {
        if bytesSinceDrained < Self.outputLimit { return true }
        guard !wantsToWrite else { return false }
        bytesSinceDrained = 0
        return true
    }

    /// Prepares `process`; call once the handshake is done.
    ///
    /// - Throws: `SSHError` with `.outOfMemory` or `.connectionLost`.
    package func startProcessing() throws(SSHError) {
        guard let event = unsafe ssh_event_new() else { throw SSHError(.outOfMemory, "ssh_event_new failed") }
        unsafe self.event = event
        guard unsafe ssh_event_add_session(event, session) == SSH_OK else {
            throw SSHError(.outOfMemory, "ssh_event_add_session failed")
        }
        // libssh makes a client's socket blocking when it connects: a host that stands still would hold up everything else.
        guard gh_set_nonblocking(descriptor.number, 1) == 0 else {
            throw SSHError(.connectionLost, "the socket cannot be switched")
        }
    }

    /// libssh reads this many bytes from the socket at a time.
    private static let readSize: UInt64 = 4_096

    /// Reads what the socket has, about `limit` bytes at most, writes what waits, and runs the callbacks.
    ///
    /// Nothing that was read ahead is left when it returns, so that poll(2) can be asked about the socket.
    /// - Returns: false when the connection is over.
    package func process(limit: UInt64 = 128 * 1024) -> Bool {
        guard let event = unsafe event else { return false }
        let start = receivedBytes
        let readsAhead = gh_read_ahead_begin(unsafe ssh_get_fd(session)) == 1
        defer { if readsAhead { gh_read_ahead_end() } }
        while true {
            let before = receivedBytes
            guard unsafe ssh_event_dopoll(event, 0) != SSH_ERROR, !isClosed else { return false }
            if readsAhead, gh_read_ahead_left() > 0 { continue }
            // A short read has emptied the socket.
            guard receivedBytes > before else { return true }
            let mayHaveMore =
                readsAhead ? gh_read_ahead_was_full() == 1 : receivedBytes - before == Self.readSize
            if !mayHaveMore || receivedBytes - start >= limit { return true }
        }
    }

    /// Bytes read from the socket so far, also by calls other than `process`.
    package var receivedBytes: UInt64 { unsafe socketCounter.pointee.in_bytes }

    /// Bytes handed to the socket so far: each packet of them acknowledges what has arrived.
    package var sentBytes: UInt64 { unsafe socketCounter.pointee.out_bytes }

    /// Whether the peer has switched Nagle's algorithm off, so that nothing it says waits for an acknowledgement.
    package var peerSendsAtOnce = false

    /// Packets received so far.
    package var packetCount: UInt64 { unsafe packetCounter.pointee.in_packets }

    /// The next message for us, nil when there is none.
    package func nextMessage() -> IncomingMessage? {
        // Asking libssh costs a system call even when nothing can be there.
        let others = packetCount - dataPackets
        guard others != packetsLookedAt else { return nil }
        guard let message = unsafe ssh_message_get(session) else {
            packetsLookedAt = packetCount - dataPackets
            return nil
        }
        return unsafe IncomingMessage(adopting: message, of: self)
    }

    /// Acknowledges at once what has arrived: saves the 40 ms that a delayed acknowledgement costs a peer with Nagle's algorithm.
    package func acknowledgeQuickly() {
        gh_quick_acknowledge(descriptor.number)
    }

    /// Says good-bye and closes the connection.
    ///
    /// - Parameter sentence: the good-bye, which OpenSSH's client shows its user; nil: libssh's own.
    package func disconnect(saying sentence: String? = nil) {
        if let sentence { unsafe ssh_session_set_disconnect_message(session, sentence) }
        unsafe ssh_disconnect(session)
    }

    /// A new channel, not open yet.
    ///
    /// - Throws: `SSHError` with `.outOfMemory`.
    package func makeChannel() throws(SSHError) -> Channel {
        guard let raw = unsafe ssh_channel_new(session) else {
            throw SSHError(.outOfMemory, "ssh_channel_new failed")
        }
        return unsafe Channel(adopting: raw, of: self)
    }
}

extension Transport {
    /// Sets a text option.
    ///
    /// - Throws: `SSHError` with `.badOption`.
    func set(_ option: ssh_options_e, _ value: String) throws(SSHError) {
        let result = unsafe value.withCString { unsafe ssh_options_set(session, option, $0) }
        guard result == 0 else { throw SSHError(.badOption, "option \(option.rawValue): \(errorText)") }
    }

    /// Sets an option that takes a pointer to a number.
    ///
    /// - Throws: `SSHError` with `.badOption`.
    func set<Number: BitwiseCopyable>(_ option: ssh_options_e, number: Number) throws(SSHError) {
        let result = unsafe withUnsafePointer(to: number) { unsafe ssh_options_set(session, option, $0) }
        guard result == 0 else { throw SSHError(.badOption, "option \(option.rawValue): \(errorText)") }
    }

    /// What both roles have in common.
    func setCommonOptions(rekeyBytes: UInt64) throws(SSHError) {
        try set(SSH_OPTIONS_PROCESS_CONFIG, number: false)
        try set(SSH_OPTIONS_COMPRESSION, "no")
        if rekeyBytes > 0 { try set(SSH_OPTIONS_REKEY_DATA, number: rekeyBytes) }
    }
}
