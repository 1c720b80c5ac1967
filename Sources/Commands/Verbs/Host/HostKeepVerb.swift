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
        let who = context.caller.userName ?? "the operator"
        return try wish.fulfil(in: context, as: Self.self) { until in
            try context.directory.setKeep(until.map { HostKeep(until: $0, who: who) }, of: wish.host)
            return nil
        }
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
        let hosts = try context.directory.reachableHosts(
            of: user, at: context.services.now(), from: context.caller.origin)
        guard hosts.contains(where: { $0.host.name == wish.host }) else {
            throw CommandError(
                .notFound, "there is no host '\(wish.host.printable)' that you may reach", hint: "see 'hosts'"
            )
        }
        return try wish.fulfil(in: context, as: Self.self) { until in
            let now = context.services.now()
            if let until, until > now + Self.limit {
                throw CommandError(
                    .refused, "\(until) is more than a day ahead",
                    hint: "keep it for a day at the most, or ask your administrator")
            }
            switch try context.directory.setKeep(until: until, by: user, of: wish.host, at: now) {
            case .done(let other): return other
            case .refused(let other):
                throw CommandError(
                    .refused, "\(wish.host) is kept until \(other.until) by \(other.who)",
                    hint: "only they and your administrator can take that back")
            }
        }
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

    /// - Parameter keep: keeps the host until then, or with nil no longer; gives what others want all the same.
    func fulfil(
        in context: CommandContext, as command: any Command.Type, keep: (Timestamp?) throws -> HostKeep?
    ) throws -> ExitCode {
        let now = context.services.now()
        let until = end?.resolved(from: now)
        if let until, until <= now { throw CommandError(.usage, "\(until) is past") }
        let other = try keep(until)
        var sentence = "host \(host) is not kept any more"
        if let until {
            let remark =
                try context.directory.idlePolicy(of: host) == nil ? "; it has no idle policy anyway" : ""
            sentence = "host \(host) is kept until \(until)\(remark)"
        } else if let other {
            sentence =
                "you do not keep host \(host) any more; it is kept until \(other.until) by \(other.who)"
        }
        return try context.done(
            Change(command, host: host, ["until": until?.description ?? ""]), sentence)
    }
}
