import Support

/// A round of questions (RFC 4256).
package struct Questions: Equatable, Sendable {
    /// One question.
    package struct Prompt: Equatable, Sendable {
        /// With the blank at its end.
        package var text: String
        /// Whether what is typed may be seen.
        package var isEchoed: Bool

        package init(_ text: String, isEchoed: Bool) {
            self.text = text
            self.isEchoed = isEchoed
        }
    }

    /// No round has more questions, and no answers are more.
    package static let countLimit = 32
    /// No answer is longer, in bytes.
    package static let answerLimit = 1_024

    /// Shown before the questions; empty: nothing.
    package var instruction: String
    package var prompts: [Prompt]

    package init(instruction: String = "", prompts: [Prompt]) {
        self.instruction = instruction
        self.prompts = prompts
    }
}

extension Questions {
    func encode(into out: inout WireWriter) {
        out.string(instruction)
        out.uint32(UInt32(prompts.count))
        for prompt in prompts {
            out.string(prompt.text)
            out.boolean(prompt.isEchoed)
        }
    }

    init(from input: inout WireReader) throws(WireError) {
        let instruction = try input.string()
        let count = try input.uint32()
        guard count <= Self.countLimit else { throw WireError("\(count) questions are too many") }
        var prompts: [Prompt] = []
        for _ in 0..<count {
            prompts.append(Prompt(try input.string(), isEchoed: try input.boolean()))
        }
        self.init(instruction: instruction, prompts: prompts)
    }

    /// Writes answers.
    static func encode(_ answers: [[UInt8]], into out: inout WireWriter) {
        out.uint32(UInt32(answers.count))
        for answer in answers { out.data(answer) }
    }

    /// Reads as many answers as a round may have.
    static func answers(from input: inout WireReader) throws(WireError) -> [[UInt8]] {
        let count = try input.uint32()
        guard count <= countLimit else { throw WireError("\(count) answers are too many") }
        var answers: [[UInt8]] = []
        for _ in 0..<count { answers.append(try answer(from: &input)) }
        return answers
    }

    /// Reads one answer.
    static func answer(from input: inout WireReader) throws(WireError) -> [UInt8] {
        let answer = try input.data()
        guard answer.count <= answerLimit else { throw WireError("an answer is too long") }
        return answer
    }
}
