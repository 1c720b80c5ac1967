import Authentication
import Control
import Support

/// One attempt to authenticate by PAM, from its first question to its end.
final class PAMAttempt {
    /// More rounds of questions than any honest stack has.
    private static let roundLimit = 24

    let name: LoginName
    private let helper: PAMHelper
    private let deadline: MonotonicTime
    /// Hangs up when the client is gone.
    private let client: Descriptor
    /// The questions that wait for an answer.
    private(set) var questions = Questions(prompts: [])
    private var rounds = 0
    /// Whether the answers reach PAM; those of nobody, and those that come too often, do not.
    private(set) var isGenuine: Bool
    /// Whether an answer was counted as a guess, and how long the door is closed if it was wrong.
    private(set) var guess: GuessLimits.Admission?

    init(
        of name: LoginName, by helper: PAMHelper, isGenuine: Bool, until deadline: MonotonicTime,
        client: Descriptor
    ) {
        self.name = name
        self.helper = helper
        self.isGenuine = isGenuine
        self.deadline = deadline
        self.client = client
    }

    /// Waits for what PAM wants.
    func next() -> PAMHelper.Step {
        rounds += 1
        guard rounds <= Self.roundLimit else { return .unavailable("the stack asks without end") }
        guard let step = helper.next(until: deadline, client: client) else {
            return .unavailable("the helper has not come to an end")
        }
        if case .ask(let asked) = step { questions = asked }
        return step
    }

    /// Answers the last questions.
    ///
    /// - Parameter admit: counts the first answer of all as a wrong guess, before PAM sees it.
    func answer(_ answers: [[UInt8]], admit: () throws -> GuessLimits.Admission) rethrows {
        if !answers.isEmpty { try count(admit) }
        helper.answer(isGenuine ? answers : answers.map { Self.junk(count: $0.count) })
    }

    /// Counts it as a wrong guess, once.
    func count(_ admit: () throws -> GuessLimits.Admission) rethrows {
        guard guess == nil else { return }
        let admission = try admit()
        guess = admission
        if case .refused = admission { isGenuine = false }
    }

    /// What is no password: as long as what was typed, so that it takes as long to look at.
    private static func junk(count: Int) -> [UInt8] {
        let pattern = Array("\u{8}\n\r\u{7F}INCORRECT".utf8)
        return (0..<count).map { pattern[$0 % pattern.count] }
    }
}
