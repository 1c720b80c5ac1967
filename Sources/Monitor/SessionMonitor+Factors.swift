import Audit
import Authentication
import Authorization
import Configuration
import Control
import Directory
import OneTimeCodes
import Routing
import SSHKeys
import Support

/// Who somebody is, made once, after the last thing that is asked for, from what this connection has shown and what the directory says then.
struct AuthenticationDecision {
    let user: User
    let name: LoginName
    /// nil, as its fingerprint: none was asked for.
    let key: AuthenticationProgress.ShownKey?
    let fingerprint: String?
    let clientVersion: String
    /// With which the key was shown, where it is none of the directory.
    let certificate: AcceptedCertificate?
    /// What was shown on this connection, in its order.
    let factors: [Factor]
    /// How long ago a code was shown elsewhere that holds here too; nil: none was needed, or it was shown here.
    let grace: Duration?
    /// Nothing but enrolling for one-time codes: they are asked for, and this user has none yet.
    let isEnrolling: Bool
    /// Of what grants can require: what was shown here, and a code that holds here too.
    let shown: FurtherFactors
    /// Where the login leads with that.
    let route: Route
}

extension FurtherFactors {
    init(_ factors: [Factor]) {
        self = []
        if factors.contains(.pam) { insert(.pam) }
        if factors.contains(.code) { insert(.code) }
    }
}

extension SessionMonitor {
    /// What comes of the factors that were shown so far.
    private enum Standing {
        case complete(AuthenticationDecision)
        case wanting([Factor])
        case rejected(KeyDecision.Reason)
        case watcher(host: String, fingerprint: String)
    }

    private static let otherName = "Change of username is not allowed"

    /// The same answer to a client that goes on under another name, whatever it has shown: nothing of that is this one's.
    func refuseOtherName(_ login: String) throws -> SessionReply? {
        guard !progress.takes(login: login) else { return nil }
        _ = try reject(Rejection(login: login, key: nil, reason: "the login name has changed"))
        return .disconnect(reason: Self.otherName)
    }

    /// Forgets the questions that wait for answers, and ends whoever has asked them.
    func turnFromQuestions() {
        conversation = nil
        state = .authenticating
    }

    /// The same for a client that wants something else than to answer: where a process was started for it, that was an attempt.
    func leaveQuestions() throws -> SessionReply? {
        defer { turnFromQuestions() }
        guard case .pam? = conversation else { return nil }
        return try reject(
            Rejection(
                login: progress.login ?? "", key: nil, reason: "PAM's questions were left without an answer"))
    }

    /// A key was shown.
    func showKey(login text: String, key: [UInt8], clientVersion: String) throws -> SessionReply {
        if let refusal = try refuseOtherName(text) ?? leaveQuestions() { return refusal }
        guard progress.key == nil else {
            return try reject(Rejection(login: text, key: key, reason: "a key was shown already"))
        }
        var next = progress
        next.show(.init(blob: key, clientVersion: clientVersion))
        return try goOn(with: next)
    }

    /// The client wants to be asked.
    func question(login: String, clientVersion: String) throws -> SessionReply {
        if let refusal = try refuseOtherName(login) ?? leaveQuestions() { return refusal }
        progress.note(clientVersion: clientVersion)
        switch try turn(to: [.pam, .code], by: "keyboard-interactive") {
        case .answered(let reply): return reply
        case .show(.pam, let name): return try askByPAM(for: name)
        case .show: break
        }
        conversation = .code
        state = .conversing
        let hint =
            "That was wrong, or was used before. Who has no codes yet gets some by: ssh -t USER+gate@GATEWAY totp enrol"
        return .questions(
            Questions(
                instruction: wrongAnswers > 0 ? hint : "",
                prompts: [.init("One-time code: ", isEchoed: false)]))
    }

    /// Answers to the questions that were asked last.
    func take(answers: [[UInt8]]) throws -> SessionReply {
        let asked = conversation
        turnFromQuestions()
        switch asked {
        case .code: return try take(codes: answers)
        case .pam(let attempt): return try take(answers: answers, in: attempt)
        case nil: throw Violation(description: "answers to no question")
        }
    }

    private func take(codes answers: [[UInt8]]) throws -> SessionReply {
        let login = progress.login ?? ""
        guard answers.count == 1 else {
            return try reject(
                Rejection(login: login, key: nil, reason: "\(answers.count) answers to one question"))
        }
        // What was shown before may hold no more: then no code is looked at, and none is spent.
        let name: LoginName
        switch try turn(to: [.code], by: "a code") {
        case .answered(let reply): return reply
        case .show(_, let shown): name = shown
        }
        let verdict: CodeDesk.Verdict
        do {
            verdict = try gateway.codes.check(answers[0], of: name.user, from: peer.host, at: .now)
        } catch let error as CodeError {
            log.error(
                "a one-time code could not be looked at", ["user.name": name.user, "error": "\(error)"])
            return try reject(Rejection(login: login, key: nil, reason: "the code could not be looked at"))
        }
        switch verdict {
        case .wrong(let reason, let closing):
            wrongAnswers += 1
            try noteLimit(closing, of: name)
            return try reject(Rejection(login: login, key: nil, reason: reason.rawValue))
        case .code: break
        case .recoveryCode(let left):
            try gateway.events.append(
                Event(
                    .codeRecovered, session: session.description, user: name.user, address: peer.host,
                    detail: ["left": String(left)]))
        }
        var next = progress
        next.show(.code)
        return try goOn(with: next)
    }

    /// Notes that secrets of somebody are not looked at for a while; nil: they are.
    func noteLimit(_ closing: Duration?, of name: LoginName) throws {
        guard let closing else { return }
        try gateway.events.append(
            Event(
                .authenticationLimited, session: session.description, user: name.user,
                address: peer.host, detail: ["seconds": String(closing.components.seconds)]))
    }

    /// Whose turn it is.
    enum Turn {
        /// This is to be shown by whoever calls themselves so.
        case show(Factor, LoginName)
        case answered(SessionReply)
    }

    /// Which of these is wanted now, if any is; else what becomes of the connection: another login of the user may have shown a code
    /// meanwhile.
    func turn(to offered: [Factor], by method: String) throws -> Turn {
        let login = progress.login ?? ""
        guard let name = LoginName(login) else {
            return .answered(
                try reject(
                    Rejection(login: login, key: nil, reason: KeyDecision.Reason.malformedName.rawValue)))
        }
        let wanted: [Factor]
        if progress.factors.isEmpty {
            // Nobody is told from anybody else by what is asked first.
            wanted = gateway.settings.configuration.authenticationMethods.next(after: [])
        } else {
            switch try standing(of: progress) {
            case .wanting(let factors): wanted = factors
            case .complete(let decision): return .answered(try logIn(decision))
            case .rejected(let reason):
                return .answered(try reject(Rejection(login: login, key: nil, reason: reason.rawValue)))
            case .watcher: wanted = []
            }
        }
        guard let factor = wanted.first(where: { offered.contains($0) }) else {
            return .answered(
                try reject(Rejection(login: login, key: nil, reason: "\(method) is not asked for")))
        }
        return .show(factor, name)
    }

    /// Says what is wanted besides, or logs in.
    func goOn(with next: AuthenticationProgress) throws -> SessionReply {
        let login = next.login ?? ""
        switch try standing(of: next) {
        case .rejected(let reason):
            return try reject(Rejection(login: login, key: next.key?.blob, reason: reason.rawValue))
        case .watcher(let host, let fingerprint):
            return try openDelivery(of: host, key: next.key?.blob ?? [], fingerprint: fingerprint)
        case .wanting(let factors):
            guard !factors.isEmpty else {
                return try reject(Rejection(login: login, key: next.key?.blob, reason: "no chain goes on so"))
            }
            progress = next
            return .partiallyAccepted(methods: Factor.methods(of: factors))
        case .complete(let decision):
            progress = next
            return try logIn(decision)
        }
    }

    /// Holds what was shown against the directory and the configuration as they are now.
    private func standing(of progress: AuthenticationProgress) throws -> Standing {
        guard let login = progress.login, let name = LoginName(login) else {
            return .rejected(.malformedName)
        }
        let user: User
        var fingerprint: String?
        var certificate: AcceptedCertificate?
        if let key = progress.key {
            switch try decide(about: key.blob, for: name) {
            case .rejected(let reason): return .rejected(reason)
            case .acceptedWatcher(let host, let fingerprint):
                return .watcher(host: host, fingerprint: fingerprint)
            case .accepted(let holder, let print, let shown):
                (user, fingerprint, certificate) = (holder, print, shown)
            }
        } else {
            do { user = try person(name) } catch let reason as KeyDecision.Reason {
                return .rejected(reason)
            }
        }
        // Those of now, not of when the connection came.
        var methods = gateway.settings.configuration.authenticationMethods
        let enrolment = try gateway.directory.codeEnrolment(of: user.name)
        // Bound to a key: without one each login needs a code.
        let grace = enrolment.flatMap { enrolment in
            progress.key.flatMap { graceAge(of: user, key: $0.blob, enrolment) }
        }
        var shown = FurtherFactors(progress.factors)
        if grace != nil { shown.insert(.code) }
        func decision(on route: Route, isEnrolling: Bool = false) -> Standing {
            .complete(
                AuthenticationDecision(
                    user: user, name: name, key: progress.key, fingerprint: fingerprint,
                    clientVersion: progress.key?.clientVersion ?? progress.clientVersion ?? "",
                    certificate: certificate, factors: progress.factors,
                    grace: progress.factors.contains(.code) ? nil : grace, isEnrolling: isEnrolling,
                    shown: shown, route: route))
        }
        if grace != nil { methods = methods.waiving(.code) }
        if methods.areComplete(after: progress.factors) {
            let route = try Router(directory: gateway.directory).route(
                user: user.name, target: name.target, showing: shown, from: origin)
            guard case .settled(.refused(.lacking(let target, _, let factors))) = route else {
                return decision(on: route)
            }
            // What the grants require that lead there comes last.
            if factors.contains(.code), enrolment == nil {
                return decision(on: .settled(.refused(.notEnrolled(target, user: user.name))))
            }
            return .wanting(factors.contains(.pam) ? [.pam] : [.code])
        }
        // Somebody must be able to begin: with the key alone, at the gateway itself, as long as there are no codes.
        if enrolment == nil, name.target == Router.gate, progress.key != nil,
            methods.waiving(.code).areComplete(after: progress.factors)
        {
            return decision(on: .settled(.gate), isEnrolling: true)
        }
        return .wanting(methods.next(after: progress.factors))
    }

    /// The user of that name who may log in from here.
    ///
    /// - Throws: `KeyDecision.Reason`; `SQLiteError`.
    private func person(_ name: LoginName) throws -> User {
        try KeyDecision.person(try gateway.directory.findUser(name.user), named: name, from: origin)
    }

    /// Why whoever is named may not log in from here, whatever they show; nil: they may.
    func obstacle(to name: LoginName) throws -> KeyDecision.Reason? {
        do {
            _ = try person(name)
            return nil
        } catch let reason as KeyDecision.Reason {
            return reason
        }
    }

    private func graceAge(of user: User, key: [UInt8], _ enrolment: CodeEnrolment) -> Duration? {
        let holder = graceHolder(of: user, key: key, enrolment)
        let length = gateway.settings.configuration.secondFactorGraceTime
        return gateway.graceWindows.withLock { $0.age(of: holder, at: .now, length: length) }
    }

    private func graceHolder(of user: User, key: [UInt8], _ enrolment: CodeEnrolment) -> GraceWindows.Holder {
        GraceWindows.Holder(
            user: user.uid, key: key, address: peer.host, enrolment: enrolment.sealedSecret)
    }

    /// Lets a code that was shown here hold for further logins.
    func openGraceWindow(for decision: AuthenticationDecision) throws {
        guard decision.factors.contains(.code), let key = decision.key,
            let enrolment = try gateway.directory.codeEnrolment(of: decision.user.name)
        else { return }
        let holder = graceHolder(of: decision.user, key: key.blob, enrolment)
        let length = gateway.settings.configuration.secondFactorGraceTime
        gateway.graceWindows.withLock { $0.note(holder, at: .now, length: length) }
    }
}
