import Audit
import Directory
import Glibc
import OneTimeCodes
import Support

/// Enrols somebody for one-time codes: `totp enrol [USER]`.
package struct CodeEnrol: DaemonCommand {
    package static let words = ["totp", "enrol"]
    package static let summary = "Enrol for one-time codes, with an authenticator at hand"
    package static let usage = "[USER]"
    package static let examples = ["totp enrol", "totp enrol alice"]
    package static let audience = Audience.everyone
    package static let isForNewcomers = true

    private static let attempts = 3

    private let user: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        user = try words.optionalPositional()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let subject = try context.codeSubject(user, in: Self.self)
        guard context.terminal.isInteractive else {
            throw CommandError(
                .unavailable, "this shows a secret and asks for a code of it: it needs a terminal",
                hint: "ssh -t \(subject.user)+gate@GATEWAY totp enrol")
        }
        let offer = try context.services.codes.offer(to: subject.user)
        if subject.isCaller {
            // Of the first codes a key says whose they are, of others the present ones.
            if offer.isReplacement {
                try context.askForCode(of: subject.user)
            } else {
                try context.caller.requireKey(instead: "totp enrol \(subject.user)")
            }
        }
        let uri = offer.secret.uri(account: "\(offer.user)@\(Self.hostName)", issuer: "Gatehouse")
        try context.terminal.outLine("Scan this with your authenticator:\n")
        try context.terminal.out(try QRCode(of: uri).text)
        try context.terminal.outLine(
            "\nor give it this: \(uri)\nor type the secret: \(offer.secret.base32)\n")
        for _ in 0..<Self.attempts {
            guard let answer = try context.terminal.ask("The code that it shows now:") else { break }
            let codes = try context.services.codes.enrol(
                offer, answer: Array(answer.utf8), at: context.services.now())
            guard let codes else {
                try context.terminal.err("That is not the code: is the clock of your device right?\n")
                continue
            }
            return try finish(codes, of: subject.user, isReplacement: offer.isReplacement, in: context)
        }
        throw CommandError(.failure, "nothing was changed: no right code was given")
    }

    private func finish(
        _ codes: [String], of user: String, isReplacement: Bool, in context: CommandContext
    ) throws -> ExitCode {
        let former = isReplacement ? "replaced" : "none"
        try context.record(Change(Self.self, ["user": user, "former": former]))
        try context.terminal.outLine(
            """

            Recovery codes, each good once instead of a code; this is the only time that they are shown:

            \(codes.map { "    \($0)\n" }.joined())
            \(user) is enrolled. The code that you have just given is used up: the next login takes the next one.
            """)
        return .success
    }

    /// The gateway's machine, so that an authenticator tells several gateways apart.
    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "gateway" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension CommandContext {
    /// Whose codes a command is about, and whether the caller's own.
    ///
    /// - Throws: `CommandError` for those of others, unless an administrator asks.
    func codeSubject(
        _ named: String?, in command: any Command.Type, mayRead: Bool = false
    ) throws -> (user: String, isCaller: Bool) {
        guard let user = named ?? caller.userName else {
            throw CommandError(
                .usage, "whose codes? You are not a person of the directory", hint: "\(command.title) USER")
        }
        if user == caller.userName { return (user, true) }
        guard caller.isAdministrator || (mayRead && caller.isAuditor) else {
            throw CommandError(
                .refused, "only an administrator may do this for others",
                hint: "\(command.title), without a name")
        }
        return (try directory.user(user).name, false)
    }

    /// Has the caller prove that the present codes are theirs.
    ///
    /// - Throws: `CommandError` when they cannot.
    func askForCode(of user: String) throws {
        guard let answer = try terminal.ask("A present one-time code, or a recovery code:") else {
            throw CommandError(
                .usage, "a present one-time code is asked for, and there is no terminal to ask on",
                hint: "use ssh -t")
        }
        let verdict = try services.codes.check(
            Array(answer.utf8), of: user, from: caller.address ?? "", at: services.now())
        switch verdict {
        case .code: return
        case .recoveryCode(let left):
            try services.events.append(
                Event(
                    .codeRecovered, at: services.now(), session: caller.session, user: user,
                    address: caller.address, detail: ["left": String(left)]))
        case .wrong(let reason, let closing):
            try services.events.append(
                Event(
                    .authenticationRejected, at: services.now(), session: caller.session, user: user,
                    address: caller.address, detail: ["login": user, "reason": reason.rawValue]))
            if let closing {
                try services.events.append(
                    Event(
                        .authenticationLimited, at: services.now(), session: caller.session, user: user,
                        address: caller.address, detail: ["seconds": String(closing.components.seconds)]))
            }
            throw CommandError(
                .refused, "the code is wrong, or was used before",
                hint: "wait for the next one; an administrator can 'totp remove' what you have lost")
        }
    }
}
