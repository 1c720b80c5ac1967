import Directory
import Support

/// Grants what was asked for: `gatehouse access approve ID`.
package struct AccessApprove: DaemonCommand {
    package static let words = ["access", "approve"]
    package static let summary = "Grant what was asked for, for the time that was asked for"
    package static let usage = "ID [--for TIME] \(RightsWords.usage)"
    package static let examples = ["access approve 5", "access approve 5 --for 1h --record"]

    private let id: Int64
    private let duration: Duration?
    private let words: RightsWords

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        self.words = try RightsWords(parsing: &words)
        if let text = try words.option("--for") {
            duration = try AccessWords.duration(text)
        } else {
            duration = nil
        }
        id = try AccessWords.id(&words)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let (request, grant) = try context.directory.approveRequest(
            id, by: context.caller.description, person: context.caller.userName, words.rights,
            requiring: words.required, from: words.networks, for: duration, at: context.services.now())
        let detail = request.record.merging(grant.record) { own, _ in own }
        let end = grant.until.map { " until \($0)" } ?? ""
        return try context.done(
            Change(Self.self, detail),
            "request \(id) approved: grant \(grant.id), \(grant.subject.text) to \(grant.target.text)\(end)")
    }
}

/// Decides against a request: `gatehouse access deny ID [--why TEXT]`.
package struct AccessDeny: DaemonCommand {
    package static let words = ["access", "deny"]
    package static let summary = "Say no to what was asked for"
    package static let usage = "ID [--why TEXT ...]"

    private let answer: AccessAnswer

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        answer = try AccessAnswer(parsing: &words)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let request = try context.directory.denyRequest(
            answer.id, by: context.caller.description, saying: answer.text, at: context.services.now())
        return try context.done(Change(Self.self, request.record), "request \(answer.id) denied")
    }
}

/// Takes an approval back: `gatehouse access revoke ID [--why TEXT]`.
package struct AccessRevoke: DaemonCommand {
    package static let words = ["access", "revoke"]
    package static let summary = "Take back what was approved; sessions that need it end"
    package static let usage = "ID [--why TEXT ...]"

    private let answer: AccessAnswer

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        answer = try AccessAnswer(parsing: &words)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let request = try context.directory.revokeRequest(
            answer.id, by: context.caller.description, saying: answer.text, at: context.services.now())
        return try context.done(Change(Self.self, request.record), "request \(answer.id) revoked")
    }
}

/// A request and what is said about it.
private struct AccessAnswer {
    let id: Int64
    let text: String

    init(parsing words: inout ArgumentReader) throws(UsageError) {
        let first = try words.option("--why")
        id = try AccessWords.id(&words)
        var rest = first.map { [$0] } ?? []
        // More words belong to a text that was begun.
        while first != nil, let word = try words.optionalPositional() { rest.append(word) }
        text = AccessWords.unquoted(rest)
        try words.finish()
    }
}
