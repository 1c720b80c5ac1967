import Authentication
import Configuration
import Control
import Directory
import Support

extension SessionMonitor {
    /// What the questions are about that wait for answers.
    enum Conversation {
        case code
        case pam(PAMAttempt)
    }

    private static let program = SessionProgram.installed("gatehouse-pam", in: "libexec/gatehouse")

    private enum Beginning {
        case attempt(PAMAttempt)
        case refused(SessionReply)
    }

    /// Whoever is named is asked alike; the answers of who cannot log in anyway are not looked at. While too many were wrong nobody is asked:
    /// a stack may call the person's telephone, or count what is wrong at its own end.
    private func startPAM(for name: LoginName, mayChangePassword: Bool) throws -> Beginning {
        if gateway.guesses.isClosed(.pam, of: name.user, from: peer.host, at: .now) {
            return .refused(try rejectForNow())
        }
        let configuration = gateway.settings.configuration
        let isGenuine = try progress.key != nil || obstacle(to: name) == nil
        let helper: PAMHelper
        do throws(SystemError) {
            helper = try PAMHelper(
                program: Self.program,
                start: PAMMessage.Start(
                    service: configuration.pamService, folder: configuration.pamServiceDirectory ?? "",
                    user: name.user, address: peer.host, mayChangePassword: mayChangePassword))
        } catch {
            log.error("PAM cannot be asked", ["error": "\(error)"])
            return .refused(try rejectUndecided("cannot be asked"))
        }
        return .attempt(
            PAMAttempt(
                of: name, by: helper, isGenuine: isGenuine,
                until: started + settings.configuration.loginGraceTime + Self.graceMargin,
                client: control.descriptor))
    }

    /// Has PAM ask its first questions.
    func askByPAM(for name: LoginName) throws -> SessionReply {
        switch try startPAM(for: name, mayChangePassword: true) {
        case .attempt(let attempt): return try goOn(with: attempt)
        case .refused(let reply): return reply
        }
    }

    /// Passes answers on, and hears what PAM says to them.
    func take(answers: [[UInt8]], in attempt: PAMAttempt) throws -> SessionReply {
        let count = attempt.questions.prompts.count
        guard answers.count == count else {
            return try reject(
                Rejection(
                    login: progress.login ?? "", key: nil,
                    reason: "\(answers.count) answers to \(count) questions of PAM"))
        }
        try pass(answers, to: attempt)
        return try goOn(with: attempt)
    }

    private func pass(_ answers: [[UInt8]], to attempt: PAMAttempt) throws {
        try attempt.answer(answers) { try admit(attempt) }
    }

    private func admit(_ attempt: PAMAttempt) throws -> GuessLimits.Admission {
        try gateway.guesses.admit(.pam, of: attempt.name.user, from: peer.host, at: .now)
    }

    private func goOn(with attempt: PAMAttempt) throws -> SessionReply {
        switch attempt.next() {
        case .ask(let questions):
            conversation = .pam(attempt)
            state = .conversing
            return .questions(questions)
        case .done(let failure): return try finish(attempt, failure)
        case .unavailable(let reason): return try giveUp(attempt, reason)
        }
    }

    /// A password by the method of that name: answers the one question that PAM has.
    func show(password: [UInt8], login: String, clientVersion: String) throws -> SessionReply {
        if let refusal = try refuseOtherName(login) ?? leaveQuestions() { return refusal }
        progress.note(clientVersion: clientVersion)
        let name: LoginName
        switch try turn(to: [.pam], by: "password") {
        case .answered(let reply): return reply
        case .show(_, let shown): name = shown
        }
        let attempt: PAMAttempt
        switch try startPAM(for: name, mayChangePassword: false) {
        case .attempt(let begun): attempt = begun
        case .refused(let reply): return reply
        }
        while true {
            switch attempt.next() {
            case .ask(let questions) where questions.prompts.isEmpty:
                try pass([], to: attempt)
            case .ask(let questions):
                guard attempt.guess == nil, questions.prompts.count == 1, !questions.prompts[0].isEchoed
                else {
                    return try giveUp(
                        attempt, "it asks more than a password, which needs keyboard-interactive")
                }
                try pass([password], to: attempt)
            case .done(let failure): return try finish(attempt, failure)
            case .unavailable(let reason): return try giveUp(attempt, reason)
            }
        }
    }

    /// The same after answers that were counted as a guess: it stays one.
    private func giveUp(_ attempt: PAMAttempt, _ reason: String) throws -> SessionReply {
        if case .refused? = attempt.guess { return try rejectForNow() }
        try noteGuess(attempt)
        return try rejectUndecided(reason)
    }

    /// Notes that no further one is looked at for a while, if this one has brought that about.
    private func noteGuess(_ attempt: PAMAttempt) throws {
        guard case .admitted(let closing)? = attempt.guess else { return }
        try noteLimit(closing, of: attempt.name)
    }

    /// Nobody has said whether it was right.
    private func rejectUndecided(_ reason: String) throws -> SessionReply {
        try reject(Rejection(login: progress.login ?? "", key: nil, reason: "PAM: \(reason)"))
    }

    private func rejectForNow() throws -> SessionReply {
        try reject(
            Rejection(
                login: progress.login ?? "", key: nil,
                reason: "too many wrong passwords were given lately: none is looked at for a while"))
    }

    private func finish(_ attempt: PAMAttempt, _ failure: String?) throws -> SessionReply {
        let login = progress.login ?? ""
        // A stack that asks nothing, such as one that calls the person's telephone, is tried no more often than others.
        try attempt.count { try admit(attempt) }
        if case .refused? = attempt.guess { return try rejectForNow() }
        guard failure == nil, attempt.isGenuine else {
            try noteGuess(attempt)
            let said =
                try obstacle(to: attempt.name)?.rawValue ?? "PAM: \(failure ?? "nobody who may log in")"
            return try reject(Rejection(login: login, key: nil, reason: said))
        }
        try gateway.guesses.noteSuccess(.pam, of: attempt.name.user, from: peer.host, at: .now)
        // Whatever was shown before is looked at again with it.
        var next = progress
        next.show(.pam)
        return try goOn(with: next)
    }
}
