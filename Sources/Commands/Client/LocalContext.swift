/// What a command works with that runs without the daemon.
package struct LocalContext: Sendable {
    package let terminal: any Terminal
    package let table: CommandTable

    /// The configuration file.
    package let configurationPath: String

    package init(terminal: any Terminal, configurationPath: String, table: CommandTable = .gatehouse) {
        self.terminal = terminal
        self.configurationPath = configurationPath
        self.table = table
    }

    /// Who runs it, for help.
    var caller: Caller { .operatorOnMachine(uid: 0) }
}
