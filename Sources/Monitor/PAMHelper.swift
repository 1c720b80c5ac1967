import Control
import Glibc
import Support

/// One conversation with PAM in a process of its own, which ends with this object at the latest.
///
/// For one thread: that of the connection for which it goes on.
final class PAMHelper {
    /// What comes next in the conversation.
    enum Step {
        case ask(Questions)
        /// The end; nil: authenticated, else why not.
        case done(failure: String?)
        /// The end, without a word on whether it was right.
        case unavailable(String)
    }

    /// How long a process that is at work may go on when nobody waits for it any more: it may be writing a new password.
    private static let patience = Duration.seconds(3)

    private let socket: MessageSocket
    private let pid: Int32
    private let process: ProcessHandle?
    /// Whether it is its turn.
    private var isWorking = true

    /// Starts the process, which needs root's rights for passwords of the system's own; its limits are all that confines it besides.
    ///
    /// - Throws: `SystemError`.
    init(program: String, start: PAMMessage.Start) throws(SystemError) {
        let (ours, theirs) = try MessageSocket.pair()
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        var child = ChildProcess(program, descriptors: [theirs.descriptor, nothing, nothing])
        child.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        child.openFileLimit = 256
        child.fileSizeLimit = 64 << 20
        child.memoryLimit = 256 << 20
        pid = try child.start()
        // Not reaped yet, so it exists, if only as a zombie.
        process = try? ProcessHandle(pid)
        socket = ours
        // A process that is gone shows in `next`.
        try? socket.send(PAMMessage.start(start).encoded)
    }

    deinit {
        socket.shutDown()
        if isWorking { _ = process?.ends(within: Self.patience) }
        // Not reaped yet, so both numbers are still its own; with it ends what its modules have started.
        _ = kill(-pid, SIGKILL)
        _ = kill(pid, SIGKILL)
        _ = ChildProcess.wait(for: pid)
    }

    /// Waits for the next step.
    ///
    /// - Parameter client: a socket that hangs up when nobody waits for the answer any more.
    /// - Returns: nil: the process does not follow the protocol, takes too long, or the client has gone.
    func next(until deadline: MonotonicTime, client: Descriptor) -> Step? {
        while true {
            let left = (deadline - .now).milliseconds
            guard left > 0 else { return nil }
            var entries = [
                pollfd(fd: socket.descriptor.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: client.number, events: 0, revents: 0),
            ]
            let count = unsafe poll(&entries, 2, Int32(clamping: left))
            if count < 0, errno == EINTR { continue }
            if entries[0].revents != 0 { break }
            guard count > 0, entries[1].revents == 0 else { return nil }
        }
        guard let (bytes, descriptors) = try? socket.receive(), descriptors.isEmpty else { return nil }
        switch try? PAMMessage(decoding: bytes) {
        case .ask(let questions)?:
            isWorking = false
            return .ask(questions)
        case .done(let failure)?: return .done(failure: failure)
        case .unavailable(let reason)?: return .unavailable(reason)
        default: return nil
        }
    }

    /// Answers the last questions.
    func answer(_ answers: [[UInt8]]) {
        isWorking = true
        var message = PAMMessage.answers(answers).encoded
        try? socket.send(message)
        message.clear()
    }
}
