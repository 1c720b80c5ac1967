package import Directory

/// What a `MembershipCommand` does.
package protocol MembershipChange: Sendable {
    static var words: [String] { get }
    static var summary: String { get }
    static var examples: [String] { get }
    /// What has members, and what they are: `group` and `user`.
    static var nouns: (whole: String, member: String) { get }
    /// Begins the sentence that says what is so from now on: `now in`.
    static var outcome: String { get }

    /// - Throws: `DirectoryError`, `SQLiteError`.
    static func perform(_ members: [String], _ whole: String, in directory: DirectoryStore) throws
}

/// Puts members into something or takes them out, all or none: `NOUN VERB WHOLE MEMBER...`.
package struct MembershipCommand<Kind: MembershipChange>: DaemonCommand {
    package static var words: [String] { Kind.words }
    package static var summary: String { Kind.summary }
    package static var usage: String {
        "\(Kind.nouns.whole.uppercased()) \(Kind.nouns.member.uppercased())..."
    }
    package static var examples: [String] { Kind.examples }

    private let whole: String
    private let members: [String]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        whole = try words.positional(Kind.nouns.whole.uppercased())
        members = try words.positionals(Kind.nouns.member.uppercased())
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try Kind.perform(members, whole, in: context.directory)
        let nouns = Kind.nouns
        return try context.done(
            Change(Self.self, [nouns.whole: whole, nouns.member + "s": members.joined(separator: ",")]),
            "\(Kind.outcome) \(nouns.whole) \(whole): \(members.joined(separator: ", "))")
    }
}
