import Authorization
import Directory
import Routing
import Support

/// Says why somebody may do what on a host: `gatehouse grant explain USER HOST`.
package struct GrantExplain: DaemonCommand {
    package static let words = ["grant", "explain"]
    package static let summary = "Say what a person may do on a host, and which grant decides"
    package static let usage = "USER HOST|POOL [--from ADDRESS] [--at TIME] [--json]"
    package static let examples = [
        "grant explain alice gpu1", "grant explain alice gpu1 --from 203.0.113.7",
        "grant explain alice gpus --at 2026-01-31T20:00:00Z",
    ]
    package static let audience = Audience.auditor

    private let user: String
    private let target: String
    private let time: EndTime?
    private let origin: Origin
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        if let text = try words.option("--at") { time = try EndTime(text) } else { time = nil }
        if let text = try words.option("--from") {
            guard let address = IPAddress(text) else {
                throw UsageError(
                    "--from takes the address of a client, not '\(text.printable)'",
                    hint: "write 203.0.113.7 or 2001:db8::7")
            }
            origin = .client(address)
        } else {
            origin = .anywhere
        }
        user = try words.positional("USER")
        target = try words.positional("HOST")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let directory = context.directory
        let now = context.services.now()
        let time = time?.resolved(from: now) ?? now
        let hosts = try directory.findPool(target)?.hosts ?? [target]
        let explanations = try hosts.map {
            try AccessExplanation(of: user, on: $0, from: origin, at: time, in: directory)
        }
        // A pool without hosts has no explanation that would say so.
        _ = try directory.user(user)
        let document: [String: JSON] = [
            "user": .string(user), "target": .string(target), "at": .time(time),
            "from": .text(origin.text), "hosts": .array(explanations.map(\.json)),
        ]
        let text =
            explanations.isEmpty
            ? "pool \(target) has no hosts\n" : explanations.map(\.text).joined(separator: "\n")
        return try context.show(json: isJSON, document, text: text)
    }
}

extension AccessExplanation {
    fileprivate var text: String {
        var answers = Table("MAY", "", "BECAUSE")
        for ground in grounds {
            answers.add(ground.right.text, ground.answer, ground.because)
        }
        let condition = isReachable && !required.isEmpty ? ", after \(required.words)" : ""
        let place = origin.text.map { " from \($0)" } ?? ""
        let verdict =
            "\(user) \(isReachable ? "reaches" : "does not reach") \(host)\(place) at \(time)\(condition)\n"
        guard !grants.isEmpty else { return verdict + answers.text }
        var considered = Table("GRANT", "WHO", "LEADS TO", "RIGHTS", "HOLDS")
        for entry in grants {
            considered.add(
                String(entry.grant.id), entry.grant.subject.text, entry.grant.target.text,
                entry.grant.rights.text, entry.lapse.map { "no: it \($0.text)" } ?? "yes")
        }
        return verdict + answers.text + considered.text
    }

    fileprivate var json: JSON {
        .object([
            "host": .string(host), "reachable": .boolean(isReachable),
            "require": .strings(required.nameList),
            "rights": .object(
                Dictionary(
                    uniqueKeysWithValues: grounds.map { ground in
                        (
                            ground.right.rawValue,
                            JSON.object([
                                "given": .boolean(ground.isGiven), "because": .string(ground.because),
                                "grants": .array(ground.grants.map(JSON.number)),
                                "require": .strings(ground.required.nameList),
                                "ways": .array(ground.ways.map { .strings($0.nameList) }),
                            ])
                        )
                    })),
            "grants": .array(
                grants.map { entry in
                    .object([
                        "grant": entry.grant.json, "holds": .boolean(entry.lapse == nil),
                        "because": .text(entry.lapse.map { "it \($0.text)" }),
                    ])
                }),
        ])
    }
}

extension AccessExplanation.Ground {
    /// `yes`, `no`, or what has to be shown for it: `with totp`, `with totp or pam`.
    fileprivate var answer: String {
        guard isGiven else { return "no" }
        if required.isEmpty { return "yes" }
        return "with " + ways.map(\.text).joined(separator: " or ")
    }
}

extension AccessExplanation.Right {
    fileprivate var text: String {
        switch self {
        case .login: "log in there"
        case .programs: "run programs"
        case .files: "transfer files"
        case .ports: "connect to ports"
        case .remoteForwarding: "have it listen (-R)"
        case .agent: "forward an agent"
        case .sudo: "become root"
        case .wake: "have it started"
        case .jump: "jump there (-J)"
        case .record: "(is recorded)"
        }
    }
}
