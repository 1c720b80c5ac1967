import CPAM
import Control
import Glibc
import Support

/// What modules say, and what the person answers.
final class Conversation {
    private let ask: PAMTransaction.Ask
    /// What is to be shown with the next question.
    private var text = ""
    private var isBroken = false

    init(ask: @escaping PAMTransaction.Ask) {
        self.ask = ask
    }

    /// Shows what was said and not shown yet.
    func flush() {
        guard !text.isEmpty, !isBroken else { return }
        _ = answers(to: [])
    }

    /// The conversation function of pam_conv(3).
    func converse(
        _ messages: UnsafeBufferPointer<UnsafePointer<pam_message>?>,
        _ responses: UnsafeMutablePointer<UnsafeMutablePointer<pam_response>?>
    ) -> Int32 {
        guard !isBroken else { return PAM_CONV_ERR }
        var prompts: [Questions.Prompt] = []
        /// Which message each prompt is of.
        var places: [Int] = []
        for index in 0..<messages.count {
            guard let message = unsafe messages[index]?.pointee else { return PAM_CONV_ERR }
            let words = unsafe message.msg.map { unsafe String(cString: $0) } ?? ""
            switch unsafe message.msg_style {
            case PAM_PROMPT_ECHO_OFF:
                prompts.append(.init(Self.shown(words, limit: PAMMessage.promptLimit), isEchoed: false))
                places.append(index)
            case PAM_PROMPT_ECHO_ON:
                prompts.append(.init(Self.shown(words, limit: PAMMessage.promptLimit), isEchoed: true))
                places.append(index)
            case PAM_TEXT_INFO, PAM_ERROR_MSG:
                text = Self.shown(text + words + "\n", limit: PAMMessage.textLimit)
            default:
                return PAM_CONV_ERR
            }
        }
        var answers: [[UInt8]] = []
        if !prompts.isEmpty {
            guard let given = self.answers(to: prompts) else { return PAM_CONV_ERR }
            answers = given
        }
        defer { for index in answers.indices { answers[index].clear() } }
        // The module frees what it gets.
        guard let made = unsafe calloc(messages.count, MemoryLayout<pam_response>.stride) else {
            return PAM_BUF_ERR
        }
        let list = unsafe made.assumingMemoryBound(to: pam_response.self)
        for (place, answer) in zip(places, answers) {
            unsafe list[place].resp = unsafe Self.copy(answer)
        }
        unsafe responses.pointee = list
        return PAM_SUCCESS
    }

    /// nil: the person has gone, or has said what no answer can be.
    private func answers(to prompts: [Questions.Prompt]) -> [[UInt8]]? {
        let questions = Questions(instruction: text, prompts: prompts)
        text = ""
        guard let answers = try? ask(questions), answers.count == prompts.count,
            answers.allSatisfy({ $0.count < PAM_MAX_RESP_SIZE && !$0.contains(0) })
        else {
            isBroken = true
            return nil
        }
        return answers
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
        guard let memory = unsafe calloc(bytes.count + 1, 1) else { return nil }
        _ = unsafe bytes.withUnsafeBytes { source in
            unsafe memcpy(memory, source.baseAddress ?? UnsafeRawPointer(memory), source.count)
        }
        return unsafe memory.assumingMemoryBound(to: CChar.self)
    }

    /// What of a module's words is shown: without control characters, and not without end.
    private static func shown(_ words: String, limit: Int) -> String {
        var kept = String.UnicodeScalarView()
        var count = 0
        for scalar in words.unicodeScalars {
            let isControl = scalar.value < 32 || (127...159).contains(scalar.value)
            guard !isControl || scalar == "\n" || scalar == "\t" else { continue }
            count += UTF8.width(scalar)
            guard count <= limit else { break }
            kept.append(scalar)
        }
        return String(kept)
    }
}
