import Accounts
import Directory
import SSHKeys

/// Prints what makes a host trust the gateway: `gatehouse host bootstrap NAME`.
package struct HostBootstrap: DaemonCommand {
    package static let words = ["host", "bootstrap"]
    package static let summary = "Print the line that lets the gateway set up a host"
    package static let usage = "NAME"
    package static let examples = ["host bootstrap communal1"]

    private let name: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        // The host need not be in the directory yet: its line may have to lie there before it first starts.
        try Host.check(name: name)
        let authority = context.services.gateway.userAuthority
        try context.terminal.errLine("put this line into root's ~/.ssh/authorized_keys on \(name):")
        try context.terminal.outLine(
            "cert-authority,principals=\"\(RootAccess.principal(on: name))\" \(KeyText.line(of: authority)) gatehouse-user-ca"
        )
        return .success
    }
}
