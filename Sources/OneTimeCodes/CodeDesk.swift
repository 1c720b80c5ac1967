package import Authentication
internal import Configuration
package import Directory
package import Support

/// Enrols people for one-time codes and looks at the codes they give. Blocks on the database; any thread may call it.
package struct CodeDesk: Sendable {
    /// What became of an answer.
    package enum Verdict: Equatable, Sendable {
        /// The code of the moment, never given before.
        case code
        /// One of the recovery codes; so many are left.
        case recoveryCode(left: Int)
        /// The reason is for the event log only: the client learns nothing of it.
        ///
        /// - closing: with this one there were so many that none is looked at for as long; nil: there are some left.
        case wrong(Reason, closing: Duration? = nil)
    }

    /// Why an answer was not taken.
    package enum Reason: String, Sendable, CaseIterable {
        case notEnrolled = "nobody has enrolled for one-time codes under this name"
        case noCode = "the one-time code is wrong"
        case spent = "the one-time code was used before"
        case tooMany = "too many wrong codes were given lately: no answer is looked at for a while"
    }

    /// A secret that is shown to its user and not kept before they have given a code of it.
    package struct Offer: Sendable {
        /// Whose it is to be.
        package let user: String
        package let secret: CodeSecret
        /// The sealed secret that it is to replace; nil: there was none.
        let former: [UInt8]?

        /// Whether the user had enrolled before.
        package var isReplacement: Bool { former != nil }
    }

    /// Answers are not looked at beyond this many bytes.
    package static let answerLimit = 256

    private let directory: DirectoryStore
    private let key: CodeKey
    private let guesses: GuessLedger

    package init(directory: DirectoryStore, key: CodeKey, guesses: GuessLedger) {
        self.directory = directory
        self.guesses = guesses
        self.key = key
    }

    /// A new secret for a user.
    ///
    /// - Throws: `CodeError`; `DirectoryError` for who is not there.
    package func offer(to user: String) throws -> Offer {
        Offer(
            user: try directory.user(user).name, secret: try CodeSecret(),
            former: try directory.codeEnrolment(of: user)?.sealedSecret)
    }

    /// Enrols the user if `answer` is a code of the offer; what they had when it was made is gone then.
    ///
    /// - Returns: the recovery codes, to be shown once; nil: the code is wrong.
    /// - Throws: `DirectoryError` `.conflict` when somebody else has enrolled the user since; `CodeError`, `SQLiteError`.
    package func enrol(_ offer: Offer, answer: [UInt8], at time: Timestamp) throws -> [String]? {
        guard answer.count <= Self.answerLimit,
            let step = try offer.secret.step(ofCode: Self.digits(of: answer), at: time)
        else { return nil }
        var codes: [String] = []
        for _ in 0..<RecoveryCode.setCount { codes.append(try RecoveryCode.make()) }
        let hashes = try codes.compactMap { RecoveryCode.digits(of: Array($0.utf8)) }
            .map { try key.hash(ofRecoveryCode: $0, of: offer.user) }
        try directory.enrolCodes(
            CodeEnrolment(
                sealedSecret: try key.seal(offer.secret, for: offer.user), enrolled: time, lastStep: step,
                recoveryHashes: hashes), of: offer.user, replacing: offer.former)
        // What was guessed before was guessed at something else.
        try guesses.clear(user: offer.user)
        return codes
    }

    /// Looks at an answer, which is spent if it is right. Whoever has not enrolled has the same done, and fails.
    ///
    /// - Throws: `CodeError` for a secret that cannot be opened, `SQLiteError`: then nobody has shown anything.
    package func check(_ answer: [UInt8], of user: String, from address: String, at time: Timestamp) throws
        -> Verdict
    {
        // Counted as wrong before it is looked at: several at a time gain nothing.
        guard case .admitted(let closing) = try guesses.admit(.code, of: user, from: address, at: time) else {
            return .wrong(.tooMany, closing: nil)
        }
        switch try verdict(on: answer, of: user, at: time) {
        case .wrong(let reason, _): return .wrong(reason, closing: closing)
        case let right:
            try guesses.noteSuccess(.code, of: user, from: address, at: time)
            return right
        }
    }

    private func verdict(on answer: [UInt8], of user: String, at time: Timestamp) throws -> Verdict {
        let enrolment = try directory.codeEnrolment(of: user)
        // Equal work for everybody: of nobody's secret there is no right code.
        let secret = try enrolment.map { try key.open($0.sealedSecret, for: user) } ?? CodeSecret()
        let answer = answer.count <= Self.answerLimit ? answer : []
        let step = try secret.step(ofCode: Self.digits(of: answer), at: time)
        let hash = try RecoveryCode.digits(of: answer).map { try key.hash(ofRecoveryCode: $0, of: user) }
        guard enrolment != nil else { return .wrong(.notEnrolled) }
        if let step {
            // The database decides who is first: of two that bring the same code at once, one is too late.
            return try directory.spendCode(ofStep: step, of: user) ? .code : .wrong(.spent)
        }
        if let hash, let left = try directory.spendRecoveryCode(hash, of: user) {
            return .recoveryCode(left: left)
        }
        return .wrong(.noCode)
    }

    /// What somebody has typed, without the blanks that authenticators show.
    private static func digits(of answer: [UInt8]) -> [UInt8] { answer.filter { $0 != UInt8(ascii: " ") } }
}
