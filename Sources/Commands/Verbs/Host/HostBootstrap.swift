import SSHKeys

/// Prints what makes a host trust the gateway: `gatehouse host bootstrap`.
package struct HostBootstrap: DaemonCommand {
    package static let words = ["host", "bootstrap"]
    package static let summary = "Print the line that lets the gateway set up a host"

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let authority = context.services.gateway.userAuthority
        try context.terminal.errLine("put this line into /root/.ssh/authorized_keys of the host:")
        try context.terminal.outLine(
            "cert-authority,principals=\"gatehouse-root\" \(KeyText.line(of: authority)) gatehouse-user-ca")
        return .success
    }
}
