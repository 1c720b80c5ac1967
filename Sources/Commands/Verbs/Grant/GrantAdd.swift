import Directory
import Support

/// Lets somebody reach something: `gatehouse grant add …`.
package struct GrantAdd: DaemonCommand {
    package static let words = ["grant", "add"]
    package static let summary = "Let a person or group reach a host, a pool or every host"
    package static let usage =
        "(--user USER | --group GROUP) (--host HOST | --pool POOL | --all) \(RightsWords.usage) \(PeriodWords.usage)"
    package static let examples = [
        "grant add --group lab --pool communal --agent",
        "grant add --user alice --host gpu1 --sudo --until 2h",
        "grant add --group vendors --host drop1 --files-only --days mon-fri --hours 08:00-18:00",
        "grant add --group lab --pool gpus --forward-ports 8888,6006-6010",
        "grant add --group lab --host vault --require totp --allow-from 10.0.0.0/8",
    ]

    private let subject: GrantSubject
    private let target: GrantTarget
    private let words: RightsWords
    private let period: PeriodWords

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        self.words = try RightsWords(parsing: &words)
        period = try PeriodWords(parsing: &words)
        switch (try words.option("--user"), try words.option("--group")) {
        case (let user?, nil): subject = .user(user)
        case (nil, let group?): subject = .group(group)
        default: throw UsageError("a grant is for one of --user and --group")
        }
        switch (try words.option("--host"), try words.option("--pool"), words.flag("--all")) {
        case (let host?, nil, false): target = .host(host)
        case (nil, let pool?, false): target = .pool(pool)
        case (nil, nil, true): target = .all
        default: throw UsageError("a grant leads to one of --host, --pool and --all")
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let now = context.services.now()
        let grant = try context.directory.addGrant(
            subject, to: target, words.rights, period: try period.period(from: now),
            requiring: words.required, from: words.networks, at: now)
        let until = grant.until.map { " until \($0)" } ?? ""
        return try context.done(
            Change(Self.self, grant.record),
            "grant \(grant.id) added: \(subject.text) to \(target.text)\(until)")
    }
}
