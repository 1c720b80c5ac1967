import Directory
import Support

/// Asks for access: `access request HOST --for 4h --why TEXT` on the target `gate`.
package struct AccessAsk: DaemonCommand {
    package static let words = ["access", "request"]
    package static let summary = "Ask to reach a host or pool for a while; an administrator decides"
    package static let usage = "HOST|POOL --for TIME --why TEXT ..."
    package static let examples = ["access request gpu1 --for 4h --why the nightly job hangs"]
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let target: String
    private let duration: Duration
    private let why: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        duration = try AccessWords.duration(try words.requiredOption("--for"))
        let first = try words.requiredOption("--why")
        target = try words.positional("HOST")
        // Over SSH the quotation marks that hold a text together do not arrive, or arrive as they are.
        var text = [first]
        while let word = try words.optionalPositional() { text.append(word) }
        why = AccessWords.unquoted(text)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "grant add")
        let request = try context.directory.requestAccess(
            of: user, to: target, for: duration, why: why, at: context.services.now())
        return try context.done(
            Change(Self.self, request.record),
            "request \(request.id) for \(target) is made; an administrator decides, and 'access list' says how"
        )
    }
}

/// Takes an own request back: `access withdraw ID` on the target `gate`.
package struct AccessWithdraw: DaemonCommand {
    package static let words = ["access", "withdraw"]
    package static let summary = "Take back what you asked for"
    package static let usage = "ID"
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let id: Int64

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        id = try AccessWords.id(&words)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "access deny")
        let request = try context.directory.withdrawRequest(id, of: user)
        return try context.done(Change(Self.self, request.record), "request \(id) is withdrawn")
    }
}

/// Lists requests: `access list [--all] [--json]`; to people their own.
package struct AccessList: DaemonCommand {
    package static let words = ["access", "list"]
    package static let summary = "List what was asked for: yours, or everybody's for who may see them"
    package static let usage = "[--all] [--json]"
    package static let audience = Audience.everyone

    private let showsAll: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        showsAll = words.flag("--all")
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let now = context.services.now()
        let user = context.caller.isAuditor ? nil : context.caller.userName
        let requests = try context.directory.accessRequests(of: user)
            .filter { showsAll || user != nil || $0.isOpen(at: now) }
        var table = Table("ID", "WHO", "WANTS", "FOR", "SINCE", "STATE", "WHY")
        for request in requests {
            table.add(
                String(request.id), request.user, request.target, AccessWords.text(request.duration),
                request.created.description, request.stateText(at: now), request.why)
        }
        return try context.show(
            json: isJSON, ["requests": .array(requests.map { $0.json(at: now) })], text: table.text)
    }
}

enum AccessWords {
    static func id(_ words: inout ArgumentReader) throws(UsageError) -> Int64 {
        let text = try words.positional("ID")
        guard let id = Int64(text) else {
            throw UsageError("ID is a number of 'access list', not '\(text.printable)'")
        }
        return id
    }

    static func duration(_ text: String) throws(UsageError) -> Duration {
        guard case .after(let duration)? = try? EndTime(text) else {
            throw UsageError("--for takes a time, not '\(text.printable)'", hint: "write 30m, 4h or 2d")
        }
        return duration
    }

    /// `4h`, `90m`: in the largest unit that leaves nothing over.
    static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let units: [(String, Int64)] = [("d", 86_400), ("h", 3_600), ("m", 60)]
        let (name, unit) = units.first { seconds % $0.1 == 0 } ?? ("s", 1)
        return "\(seconds / unit)\(name)"
    }

    /// Words of a text, without the quotation marks that a shell would have taken away.
    static func unquoted(_ words: [String]) -> String {
        let text = words.joined(separator: " ")
        guard text.count >= 2, let mark = text.first, mark == "\"" || mark == "'", text.last == mark else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }
}

extension AccessRequest {
    /// For the event log.
    var record: [String: String] {
        var detail = [
            "request": String(id), "who": "user \(user)", "target": target, "for": AccessWords.text(duration),
            "why": why,
        ]
        detail["grant"] = grant.map { String($0) }
        if !answer.isEmpty { detail["answer"] = answer }
        return detail
    }

    func stateText(at time: Timestamp) -> String {
        let name = state == .open && !isOpen(at: time) ? "too old" : state.rawValue
        return answer.isEmpty ? name : "\(name): \(answer)"
    }

    func json(at time: Timestamp) -> JSON {
        .object([
            "id": .number(id), "user": .string(user), "target": .string(target),
            "seconds": .number(duration.components.seconds), "why": .string(why), "created": .time(created),
            "state": .string(state.rawValue), "open": .boolean(isOpen(at: time)), "by": .text(decider),
            "decided": .time(decided), "answer": .string(answer), "grant": grant.map(JSON.number) ?? .null,
        ])
    }
}
