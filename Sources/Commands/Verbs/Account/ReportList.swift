import Accounts

/// What came of a run at each of several hosts, for people and programs.
struct ReportList {
    private let outcomes: [(host: String, outcome: Result<AccountReport, any Error>)]
    private let isRehearsal: Bool

    /// Has the hosts report, prints all, and gives the exit status.
    ///
    /// - Parameter work: what came of each of these hosts, in their order.
    /// - Throws: `CommandError` when there is no such host, or when something did not go well, after all has been printed.
    static func show(
        _ choice: HostChoice, isRehearsal: Bool, in context: CommandContext,
        of work: ([String]) -> [Result<AccountReport, any Error>]
    ) throws -> ExitCode {
        let hosts = try choice.hostsToWorkOn(in: context)
        let outcomes = zip(hosts, work(hosts)).map { (host: $0, outcome: $1) }
        let list = ReportList(outcomes: outcomes, isRehearsal: isRehearsal)
        return try list.show(
            in: context, json: choice.isJSON, asOne: choice.isOneHost(in: context.directory))
    }

    /// Prints all, and gives the exit status.
    ///
    /// - Parameter asOne: it is about one host, named as such: its report is the document.
    /// - Throws: `CommandError` when something did not go well, after all has been printed.
    private func show(in context: CommandContext, json isJSON: Bool, asOne: Bool) throws -> ExitCode {
        if asOne, let first = outcomes.first {
            let report = try first.outcome.get()
            let text = report.text + (report.changed ? "" : calm(report, on: first.host))
            _ = try context.show(json: isJSON, report.json(of: first.host), text: text)
        } else {
            _ = try context.show(
                json: isJSON, ["hosts": .array(outcomes.map { Self.json($0.host, $0.outcome) })], text: text)
        }
        let failures = outcomes.filter { if case .failure = $0.outcome { true } else { false } }
        if !failures.isEmpty {
            throw CommandError(
                .failure,
                "\(failures.count) of \(outcomes.count) hosts failed: "
                    + failures.map(\.host).joined(separator: ", "))
        }
        if isRehearsal { return .success }
        let conflicts = outcomes.compactMap { outcome in
            (try? outcome.outcome.get()).map { (outcome.host, $0.conflicts.count) }
        }.filter { $0.1 > 0 }
        guard conflicts.isEmpty else {
            let names = conflicts.map(\.0).joined(separator: ", ")
            throw CommandError(
                .failure,
                "\(conflicts.reduce(0) { $0 + $1.1 }) of the names or numbers on \(names) are taken by others",
                hint: "who is in conflict is refused on \(names) until the host's own account has gone")
        }
        return .success
    }

    private func calm(_ report: AccountReport, on host: String) -> String {
        let count = report.users.count
        return isRehearsal
            ? "\(host): nothing to do for \(count) users\n" : "\(host): nothing changed, \(count) users\n"
    }

    /// Only what is to tell: with many hosts, most is as it was.
    private var text: String {
        var table = Table("HOST", "KIND", "NAME", "RESULT", "REASON")
        var sentences = ""
        var hasRows = false
        for (host, outcome) in outcomes {
            switch outcome {
            case .failure(let error):
                sentences +=
                    "\(host): failed: " + ErrorReport(for: error).reasons.joined(separator: "; ") + "\n"
            case .success(let report):
                for (kind, entries) in [("group", report.groups), ("user", report.users)] {
                    for entry in entries where entry.result != .unchanged {
                        table.add(host, kind, entry.name, entry.result.rawValue, entry.reason)
                        hasRows = true
                    }
                }
                for file in report.files {
                    table.add(host, "file", "", "updated", file)
                    hasRows = true
                }
                if report.sshdChanged {
                    table.add(host, "sshd", "", "updated", report.sshdReloaded ? "reloaded" : "")
                    hasRows = true
                }
                if !report.changed { sentences += calm(report, on: host) }
            }
        }
        return (hasRows ? table.text : "") + sentences
    }

    private static func json(_ host: String, _ outcome: Result<AccountReport, any Error>) -> JSON {
        switch outcome {
        case .success(let report): .object(report.json(of: host))
        case .failure(let error):
            .object([
                "host": .string(host),
                "error": .string(ErrorReport(for: error).reasons.joined(separator: "; ")),
            ])
        }
    }
}

extension AccountReport {
    func json(of host: String) -> [String: JSON] {
        func list(_ entries: [Entry]) -> JSON {
            .array(
                entries.map {
                    .object([
                        "name": .string($0.name), "result": .string($0.result.rawValue),
                        "reason": .string($0.reason),
                    ])
                })
        }
        return [
            "host": .string(host), "changed": .boolean(changed), "users": list(users), "groups": list(groups),
            "sshd": .object(["changed": .boolean(sshdChanged), "reloaded": .boolean(sshdReloaded)]),
            "files": .strings(files),
        ]
    }

    var text: String {
        var table = Table("KIND", "NAME", "RESULT", "REASON")
        for group in groups { table.add("group", group.name, group.result.rawValue, group.reason) }
        for user in users { table.add("user", user.name, user.result.rawValue, user.reason) }
        for file in files { table.add("file", "", "updated", file) }
        table.add("sshd", "", sshdChanged ? "updated" : "unchanged", sshdReloaded ? "reloaded" : "")
        return table.text
    }
}
