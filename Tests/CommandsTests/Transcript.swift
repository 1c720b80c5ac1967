import Commands
import Support

/// A terminal that keeps what it is told and answers from a script.
final class Transcript: Terminal {
    private struct State {
        var out = ""
        var err = ""
        var questions: [String] = []
        var answers: [String]
        var pauses: Int
    }

    let isInteractive: Bool
    let columns = 0
    private let input: String?
    private let files: [String: String]
    private let state: Locked<State>

    /// - Parameter pauses: after so many calls of `pause` the peer is gone.
    init(answers: [String]? = nil, input: String? = nil, files: [String: String] = [:], pauses: Int = 0) {
        isInteractive = answers != nil
        self.input = input
        self.files = files
        state = Locked(State(answers: answers ?? [], pauses: pauses))
    }

    var output: String { state.withLock { $0.out } }
    var errors: String { state.withLock { $0.err } }
    var questions: [String] { state.withLock { $0.questions } }

    func out(_ text: String) throws { state.withLock { $0.out += text } }
    func err(_ text: String) throws { state.withLock { $0.err += text } }

    func readInput(limit: Int) throws -> [UInt8] {
        guard let input else { throw TerminalGone() }
        return try Self.limited(input, limit)
    }

    func readFile(_ path: String, limit: Int) throws -> [UInt8] {
        guard let contents = files[path] else { throw SystemError("open \(path)", number: 2) }
        return try Self.limited(contents, limit)
    }

    func ask(_ question: String) throws -> String? {
        state.withLock { state in
            state.questions.append(question)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
    }

    func pause(for duration: Duration) -> Bool {
        state.withLock { state in
            state.pauses -= 1
            return state.pauses >= 0
        }
    }

    private static func limited(_ text: String, _ limit: Int) throws -> [UInt8] {
        guard text.utf8.count <= limit else { throw CommandError(.failure, "more than \(limit) bytes") }
        return Array(text.utf8)
    }
}
