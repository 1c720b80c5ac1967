import CSupport
import Control
import Glibc
import Support

/// The whole of `gatehouse-pam`: one conversation for the daemon, which is at the other end of descriptor 0.
package enum PAMProgram {
    private struct Gone: Error {}

    /// The longest LoginGraceTime and some time more, in seconds.
    private static let lifetime: UInt32 = 660

    /// - Returns: the exit status; 0 whatever PAM said.
    package static func run() -> Int32 {
        // Modules that ask the system's services must not hang for ever, whatever becomes of the daemon.
        alarm(lifetime)
        // Nobody but root reads what this process has in its memory.
        gh_forbid_tracing()
        let socket = MessageSocket(Descriptor(adopting: 0))
        guard case .start(let start)? = receive(from: socket) else { return 65 }
        let failure = PAMTransaction(start).run { questions in
            try socket.send(PAMMessage.ask(questions).encoded)
            guard case .answers(let answers)? = receive(from: socket) else { throw Gone() }
            return answers
        }
        let end: PAMMessage
        switch failure {
        case nil: end = .done(failure: nil)
        case .refused(let reason)?: end = .done(failure: reason)
        case .unavailable(let reason)?: end = .unavailable(reason)
        }
        do { try socket.send(end.encoded) } catch { return 69 }
        return 0
    }

    private static func receive(from socket: MessageSocket) -> PAMMessage? {
        guard var received = try? socket.receive(), received.descriptors.isEmpty else { return nil }
        // There may be a password in it.
        defer { received.message.clear() }
        return try? PAMMessage(decoding: received.message)
    }
}
