import Control
import Glibc
import SSH
import Support

/// The recording of one channel as its session's process sees it: a recorder at the other end of a socket, and what it has not taken yet.
///
/// A recorder that is slow costs no more memory than `bound`. What happens then is the grant's: where it demands a recording the channel
/// stands still until the recorder has caught up; else output is left out, and the recording says how much.
final class ChannelRecording {
    /// How far it is.
    enum State: Equatable {
        /// No program has been asked for yet.
        case idle
        /// The daemon is asked for a recorder.
        case asking
        /// What happens is recorded.
        case running
        /// Nothing is recorded, or not any more.
        case off
        /// It has to be and cannot: a sentence for the user.
        case failed(String)
    }

    /// Bytes that wait for the recorder: more than a second of what a person can read, less than a host can send at once.
    static let bound = 1_024 * 1_024
    /// How long the end of a channel waits for its recorder.
    private static let patience = Duration.seconds(10)

    private(set) var state = State.idle
    private let context: LinkContext
    private var socket: Descriptor?
    private var queue: [UInt8] = []
    private var sent = 0
    private var lost: UInt64 = 0
    private var exit: String?
    private var closeDeadline: MonotonicTime?

    init(context: LinkContext) {
        self.context = context
    }

    private var isRequired: Bool { context.grant.recording.isRequired }
    private var waiting: Int { queue.count - sent }

    /// Sees to it that a program that is about to start has its recording if it is to have one.
    ///
    /// - Returns: whether it may start now; false: later, or never, as `state` says.
    func prepare(_ request: RecordingRequest) -> Bool {
        switch state {
        case .running, .off: return true
        case .asking, .failed: return false
        case .idle: break
        }
        let subsystem = request.kind == "subsystem" ? request.command : nil
        guard context.grant.recording.covers(hasTerminal: request.hasTerminal, subsystem: subsystem) else {
            // Asked again if the host refuses this program and the client wants another.
            return true
        }
        state = .asking
        context.daemon.ask(.record(request)) { [weak self] in self?.take($0) }
        return state == .running || state == .off
    }

    private func take(_ answer: DaemonLink.Answer) {
        switch answer.reply {
        case .recording:
            guard let socket = answer.descriptors.first, (try? socket.setNonBlocking(true)) != nil else {
                return fail("no recorder came")
            }
            self.socket = socket
            state = .running
        case .refused(let reason): fail(reason)
        default: fail("the gateway did not answer")
        }
    }

    private func fail(_ reason: String) {
        socket = nil
        queue = []
        sent = 0
        context.journal.append(.refused(what: "recording", reason: reason))
        state =
            isRequired ? .failed("your grant demands a recording, and there can be none: \(reason)") : .off
    }

    /// Whether more may happen on the channel now.
    var hasRoom: Bool { state != .running || !isRequired || waiting < Self.bound }

    /// Takes in data that passes; called before it is passed on.
    func note(_ stream: RecordingMessage.Stream, _ bytes: ArraySlice<UInt8>) {
        guard state == .running, stream != .input || context.grant.recording.input else { return }
        guard isRequired || waiting + bytes.count < Self.bound else {
            if stream != .input { lost += UInt64(bytes.count) }
            return
        }
        noteLoss()
        var rest = bytes
        let now = Self.now
        while !rest.isEmpty {
            let piece = rest.prefix(RecordingMessage.pieceLimit)
            RecordingMessage.append(stream, piece, to: &queue, at: now)
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Takes in that the terminal has another size.
    func noteSize(columns: Int32, rows: Int32) {
        // The client chooses how often.
        guard state == .running, waiting < 2 * Self.bound else { return }
        append(.resize(columns: UInt32(clamping: columns), rows: UInt32(clamping: rows)))
    }

    /// Takes in how the program ended; it stands at the end of the recording.
    func noteExit(_ text: String) { exit = text }

    private func append(_ message: RecordingMessage) {
        noteLoss()
        message.append(to: &queue, at: Self.now)
    }

    private func noteLoss() {
        guard lost > 0 else { return }
        RecordingMessage.lost(lost).append(to: &queue, at: Self.now)
        lost = 0
    }

    private static var now: UInt64 {
        var value = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &value)
        return UInt64(max(0, value.tv_sec)) * 1_000_000 + UInt64(value.tv_nsec) / 1_000
    }

    /// Gives the recorder what it takes now, and hears whether it is there.
    func advance() {
        guard let socket, state == .running else { return }
        var isGone = false
        while waiting > 0 {
            let offset = sent
            let count = unsafe queue.withUnsafeBytes { raw in
                unsafe send(
                    socket.number, raw.baseAddress?.advanced(by: offset), raw.count - offset,
                    Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                isGone = errno != EAGAIN && errno != EINTR
                break
            }
            sent += count
        }
        if sent == queue.count {
            queue.removeAll(keepingCapacity: sent <= RelayedStream.batchSize)
            sent = 0
        } else if sent > Self.bound / 2 {
            queue.removeFirst(sent)
            sent = 0
        }
        hear(from: socket, isGone: isGone)
    }

    private func hear(from socket: Descriptor, isGone: Bool) {
        var byte: UInt8 = 0
        let count = unsafe recv(socket.number, &byte, 1, Int32(MSG_DONTWAIT))
        if count < 0, !isGone, errno == EAGAIN || errno == EINTR { return }
        switch count > 0 ? RecorderWord(rawValue: byte) : nil {
        case .full: fail("it has reached RecordingLimit")
        case .noRoom: fail("the gateway's disk is nearly full")
        case .ready: break
        case .failed, nil: fail("the recorder cannot go on")
        }
    }

    func register(with poller: inout Poller) {
        guard let socket, state == .running else { return }
        poller.add(socket, writing: waiting > 0)
        if let closeDeadline { poller.limit(to: closeDeadline) }
    }

    /// Whether the recorder has all there is, or has had its time to take it.
    var isClosed: Bool { socket == nil }

    /// Says that nothing more happens on the channel; call again until `isClosed`.
    func close(now: MonotonicTime) {
        guard state == .running else {
            socket = nil
            return
        }
        if closeDeadline == nil {
            closeDeadline = now + Self.patience
            if let exit { append(.exit(exit)) }
            append(.finished)
        }
        advance()
        if waiting == 0 || now >= closeDeadline ?? now {
            socket = nil
            state = .off
        }
    }

    /// The same, at the end of the session: waits.
    func finish() {
        close(now: .now)
        while !isClosed {
            var poller = Poller()
            register(with: &poller)
            poller.wait()
            Watchdog.feed()
            close(now: .now)
        }
    }
}
