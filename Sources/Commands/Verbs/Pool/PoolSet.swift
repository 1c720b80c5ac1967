import Directory
import Support

/// Changes a pool: `gatehouse pool set POOL --idle-stop TIME`.
package struct PoolSet: DaemonCommand {
    package static let words = ["pool", "set"]
    package static let summary = "Say when hosts of a pool that nobody uses are stopped"
    package static let usage = "POOL --idle-stop TIME|never|none"
    package static let examples = ["pool set gpus --idle-stop 45m"]

    private let name: String
    private let idleStop: Duration?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        guard let policy = try IdleWords.policy(&words) else {
            throw UsageError("there is nothing to change")
        }
        idleStop = policy
        name = try words.positional("POOL")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.setIdlePolicy(idleStop, ofPool: name)
        return try context.done(
            Change(Self.self, ["pool": name, "idle-stop": IdleWords.text(idleStop)]), "pool \(name) changed")
    }
}
