import Directory
import Support

/// Says whether somebody has enrolled for one-time codes: `totp status [USER] [--json]`.
package struct CodeStatus: DaemonCommand {
    package static let words = ["totp", "status"]
    package static let summary = "Say whether somebody has enrolled for one-time codes"
    package static let usage = "[USER] [--json]"
    package static let audience = Audience.everyone
    package static let isForNewcomers = true

    private let user: String?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        user = try words.optionalPositional()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.codeSubject(user, in: Self.self, mayRead: true).user
        let enrolment = try context.directory.codeEnrolment(of: user)
        var text = Details()
        text.add("user", user)
        text.add("enrolled", enrolment?.enrolled.description ?? "no")
        if let enrolment { text.add("recovery codes", "\(enrolment.recoveryHashes.count) left") }
        return try context.show(
            json: isJSON,
            [
                "user": .string(user),
                "enrolled": enrolment.map { .string($0.enrolled.description) } ?? .null,
                "recovery_codes": .integer(enrolment?.recoveryHashes.count),
            ], text: text.text)
    }
}
