import FoundationEssentials
import Support

/// What the step did on a host.
package struct AccountReport: Equatable, Sendable {
    /// What became of one account or group.
    package enum Result: String, Sendable, CaseIterable {
        case created, updated, unchanged
        /// Not wanted on the host any more, from now on: expired, without keys; name, uid and files stay.
        case locked
        /// Refused on the host, because the name, a number or the home belongs to another; nothing was touched.
        case conflict
    }

    /// What was done for one account or group.
    package struct Entry: Equatable, Sendable {
        package let name: String
        package let result: Result
        /// What was done, or what stands in the way; for people. May be empty.
        package let reason: String

        package init(name: String, result: Result, reason: String = "") {
            self.name = name
            self.result = result
            self.reason = reason
        }
    }

    /// Whether anything on the host is different now.
    package let changed: Bool
    /// By name.
    package let users: [Entry]
    package let groups: [Entry]
    package let sshdChanged: Bool
    package let sshdReloaded: Bool
    /// What was not as it should be of the files that are nobody's alone: path and what is wrong with it, for people.
    package let files: [String]

    package init(
        changed: Bool, users: [Entry] = [], groups: [Entry] = [], sshdChanged: Bool = false,
        sshdReloaded: Bool = false, files: [String] = []
    ) {
        self.changed = changed
        self.users = users
        self.groups = groups
        self.sshdChanged = sshdChanged
        self.sshdReloaded = sshdReloaded
        self.files = files
    }

    /// Users and groups that the host could not get.
    package var conflicts: [Entry] { (users + groups).filter { $0.result == .conflict } }
}

extension AccountReport {
    /// With those that the step does not name, since they are as they should be: on a host with thousands of users that is
    /// most of them, and what a host can say is short.
    func completed(with state: DesiredState) -> AccountReport {
        func all(_ entries: [Entry], _ names: [String]) -> [Entry] {
            let known = Set(entries.map(\.name))
            let others = names.filter { !known.contains($0) }.map { Entry(name: $0, result: .unchanged) }
            return (entries + others).sorted { $0.name < $1.name }
        }
        return AccountReport(
            changed: changed, users: all(users, state.users.map(\.name)),
            groups: all(groups, state.groups.map(\.name)), sshdChanged: sshdChanged,
            sshdReloaded: sshdReloaded, files: files)
    }

    /// More than this is no report.
    package static let sizeLimit = 16 << 20
    private static let entryLimit = 100_000
    private static let textLimit = 1_000

    /// Reads what the step wrote. A host may be in anybody's hands: every text is made printable and cut.
    ///
    /// - Throws: `AccountError` `.badReport`, or what the step says went wrong.
    package init(output: [UInt8], status: Int32) throws(AccountError) {
        guard let document = Self.decode(output), document.schema == 1 else {
            throw AccountError(.badReport, "the host's answer is not a report")
        }
        if let error = document.errors.first {
            throw AccountError(AccountError.Code(status: status), Self.cut(error))
        }
        guard [0, 10, 20].contains(status) else {
            throw AccountError(.badReport, "the host's answer does not fit its exit status \(status)")
        }
        func entries(_ list: [ReportDocument.Entry]) throws(AccountError) -> [Entry] {
            var entries: [Entry] = []
            for entry in list {
                guard let result = Result(rawValue: entry.result) else {
                    throw AccountError(.badReport, "the host's answer is not a report")
                }
                entries.append(
                    Entry(name: Self.cut(entry.name), result: result, reason: Self.cut(entry.reason)))
            }
            return entries
        }
        self.init(
            changed: document.changed, users: try entries(document.users),
            groups: try entries(document.groups), sshdChanged: document.sshd.changed,
            sshdReloaded: document.sshd.reloaded, files: (document.files ?? []).map(Self.cut))
    }

    private static func decode(_ output: [UInt8]) -> ReportDocument? {
        guard output.count <= sizeLimit,
            let document = try? JSONDecoder().decode(ReportDocument.self, from: Data(output)),
            document.users.count + document.groups.count + (document.files?.count ?? 0) <= entryLimit
        else { return nil }
        return document
    }

    private static func cut(_ text: String) -> String {
        String(text.printable.unicodeScalars.prefix(textLimit))
    }
}

/// The form on the wire, schema 1.
private struct ReportDocument: Decodable {
    struct Entry: Decodable {
        let name: String
        let result: String
        let reason: String
    }

    struct Daemon: Decodable {
        let changed: Bool
        let reloaded: Bool
    }

    let schema: Int
    let changed: Bool
    let users: [Entry]
    let groups: [Entry]
    let sshd: Daemon
    let files: [String]?
    let errors: [String]
}
