import Directory
import Support

/// Keeps a host from being stopped: `gatehouse host keep HOST until TIME`.
package struct HostKeepVerb: DaemonCommand {
    package static let words = ["host", "keep"]
    package static let summary = "Keep a host from being stopped while nobody uses it"
    package static let usage = "HOST until TIME | HOST --clear"
    package static let examples = ["host keep gpu1 until 18:00", "host keep gpu1 --clear"]

    private let wish: KeepWish

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        wish = try KeepWish(parsing: &words)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try wish.fulfil(in: context, as: Self.self, limit: nil)
    }
}

/// The same for people, of hosts that they may reach: `keep HOST until TIME` on the target `gate`.
package struct Keep: DaemonCommand {
    package static let words = ["keep"]
    package static let summary = "Keep a host that you may reach from being stopped, for a day at the most"
    package static let usage = "HOST until TIME | HOST --clear"
    package static let examples = ["keep gpu1 until 18:00"]
    package static let audience = Audience.everyone
    package static let isForPeople = true

    /// Hosts cost money while they run.
    private static let limit = Duration.seconds(86_400)

    private let wish: KeepWish

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        wish = try KeepWish(parsing: &words)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "host keep")
        guard try context.directory.access(of: user, to: wish.host, at: context.services.now()) != nil else {
            throw CommandError(
                .notFound, "there is no host '\(wish.host.printable)' that you may reach", hint: "see 'hosts'"
            )
        }
        return try wish.fulfil(in: context, as: Self.self, limit: Self.limit)
    }
}

/// What both say.
struct KeepWish {
    let host: String
    /// nil: no longer.
    private let end: EndTime?

    init(parsing words: inout ArgumentReader) throws(UsageError) {
        let isOver = words.flag("--clear")
        host = try words.positional("HOST")
        if isOver {
            end = nil
        } else {
            guard try words.positional("until") == "until" else {
                throw UsageError("write 'until' and a time after the host, such as 'until 18:00'")
            }
            end = try EndTime(words.positional("TIME"))
        }
        try words.finish()
    }

    func fulfil(
        in context: CommandContext, as command: any Command.Type, limit: Duration?
    ) throws -> ExitCode {
        guard let end else {
            try context.directory.setKeep(nil, of: host)
            return try context.done(
                Change(command, host: host, ["until": ""]), "host \(host) is not kept any more")
        }
        let now = context.services.now()
        let until = end.resolved(from: now)
        guard until > now else { throw CommandError(.usage, "\(until) is past") }
        if let limit, until > now + limit {
            throw CommandError(
                .refused, "\(until) is more than a day ahead",
                hint: "keep it for a day at the most, or ask your administrator")
        }
        let who = context.caller.userName ?? "the operator"
        try context.directory.setKeep(HostKeep(until: until, who: who), of: host)
        let remark = try context.directory.idlePolicy(of: host) == nil ? "; it has no idle policy anyway" : ""
        return try context.done(
            Change(command, host: host, ["until": until.description]),
            "host \(host) is kept until \(until)\(remark)")
    }
}
