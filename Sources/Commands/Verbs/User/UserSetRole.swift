import Directory

/// Says what a person may do with Gatehouse's commands: `gatehouse user role NAME ROLE`.
package struct UserSetRole: DaemonCommand {
    package static let words = ["user", "role"]
    package static let summary = "Make a person an admin, an auditor, or neither"
    package static let usage = "NAME admin|auditor|user"
    package static let examples = ["user role audrey auditor"]

    private let name: String
    private let role: UserRole

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        let text = try words.positional("ROLE")
        guard let role = UserRole(rawValue: text) else {
            throw UsageError(
                "there is no role '\(text)'",
                hint: "admin does everything, auditor asks everything and changes nothing, user does neither")
        }
        self.role = role
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let before = try context.directory.user(name).role
        try context.directory.setRole(role, of: name)
        return try context.done(
            Change(Self.self, ["user": name, "from": before.rawValue, "to": role.rawValue]),
            "user \(name) is now \(role.rawValue); it counts from the next command")
    }
}
