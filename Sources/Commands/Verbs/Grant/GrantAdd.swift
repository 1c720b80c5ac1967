import Directory
import Support

/// Lets somebody reach something: `gatehouse grant add …`.
package struct GrantAdd: DaemonCommand {
    package static let words = ["grant", "add"]
    package static let summary = "Let a person or group reach a host or pool"
    package static let usage =
        "(--user USER | --group GROUP) (--host HOST | --pool POOL) [--sudo] [--no-forwarding] [--agent] [--record] [--wake] [--until TIME]"
    package static let examples = [
        "grant add --group lab --pool communal --agent",
        "grant add --user alice --host gpu1 --sudo --until 2h",
    ]

    private let subject: GrantSubject
    private let target: GrantTarget
    private let rights: Rights
    private let end: EndTime?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        rights = Rights(
            sudo: words.flag("--sudo"), forwarding: !words.flag("--no-forwarding"),
            agent: words.flag("--agent"), record: words.flag("--record"), wake: words.flag("--wake"))
        if let text = try words.option("--until") { end = try EndTime(text) } else { end = nil }
        switch (try words.option("--user"), try words.option("--group")) {
        case (let user?, nil): subject = .user(user)
        case (nil, let group?): subject = .group(group)
        default: throw UsageError("a grant is for one of --user and --group")
        }
        switch (try words.option("--host"), try words.option("--pool")) {
        case (let host?, nil): target = .host(host)
        case (nil, let pool?): target = .pool(pool)
        default: throw UsageError("a grant leads to one of --host and --pool")
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let now = context.services.now()
        let grant = try context.directory.addGrant(
            subject, to: target, rights, until: end?.resolved(from: now), at: now)
        let until = grant.until.map { " until \($0)" } ?? ""
        return try context.done(
            Change(Self.self, grant.record),
            "grant \(grant.id) added: \(subject.text) to \(target.text)\(until)")
    }
}
