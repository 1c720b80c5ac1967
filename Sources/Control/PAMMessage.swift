package import Support

/// Between the daemon and `gatehouse-pam`, the process in which one conversation with PAM goes on: one message each on a
/// `MessageSocket`.
///
/// The daemon opens with `start`; the helper asks, each `ask` is answered by one `answers`, and `done` or `unavailable` is the last.
package enum PAMMessage: Equatable, Sendable {
    /// Whom the helper is to authenticate, and how.
    package struct Start: Equatable, Sendable {
        /// The name of the stack's file.
        package var service: String
        /// Where that is; empty: where the system has them.
        package var folder: String
        package var user: String
        /// Of the client, for modules and their logs.
        package var address: String
        /// Whether who has an expired password is asked for a new one; else they are refused.
        package var mayChangePassword: Bool

        package init(service: String, folder: String, user: String, address: String, mayChangePassword: Bool)
        {
            self.service = service
            self.folder = folder
            self.user = user
            self.address = address
            self.mayChangePassword = mayChangePassword
        }
    }

    /// Daemon → helper: begin.
    case start(Start)

    /// Helper → daemon: show the text, and ask; there may be no question.
    case ask(Questions)

    /// Daemon → helper: one answer for each question.
    case answers([[UInt8]])

    /// Helper → daemon: the end; nil: authenticated, with an account that is good. Else the reason, for the log only.
    case done(failure: String?)

    /// Helper → daemon: the end, and nobody knows whether it was right; why, for the log only.
    case unavailable(String)

    /// No text that is shown with questions is longer, in bytes, and no question than `promptLimit`.
    package static let textLimit = 8 * 1_024
    package static let promptLimit = 1_024
}

extension PAMMessage {
    private enum Kind: UInt8 {
        case start = 1
        case ask, answers, accepted, failed, unavailable
    }

    /// The message to send.
    package var encoded: [UInt8] {
        var out = WireWriter()
        switch self {
        case .start(let start):
            out.byte(Kind.start.rawValue)
            for text in [start.service, start.folder, start.user, start.address] { out.string(text) }
            out.boolean(start.mayChangePassword)
        case .ask(let questions):
            out.byte(Kind.ask.rawValue)
            questions.encode(into: &out)
        case .answers(let answers):
            out.byte(Kind.answers.rawValue)
            Questions.encode(answers, into: &out)
        case .done(nil):
            out.byte(Kind.accepted.rawValue)
        case .done(let failure?):
            out.byte(Kind.failed.rawValue)
            out.string(failure)
        case .unavailable(let reason):
            out.byte(Kind.unavailable.rawValue)
            out.string(reason)
        }
        return out.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: `WireError` for anything but a well-formed message.
    package init(decoding message: [UInt8]) throws(WireError) {
        var input = WireReader(message)
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no message \(type) of PAM") }
        switch kind {
        case .start:
            self = .start(
                Start(
                    service: try input.string(), folder: try input.string(), user: try input.string(),
                    address: try input.string(), mayChangePassword: try input.boolean()))
        case .ask: self = .ask(try Questions(from: &input))
        case .answers: self = .answers(try Questions.answers(from: &input))
        case .accepted: self = .done(failure: nil)
        case .failed: self = .done(failure: try input.string())
        case .unavailable: self = .unavailable(try input.string())
        }
        try input.finish()
    }
}
