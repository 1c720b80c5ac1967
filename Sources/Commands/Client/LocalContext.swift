import Configuration
import Glibc

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

    /// Who runs it: somebody at this machine.
    var caller: Caller { .operatorOnMachine(uid: getuid()) }

    /// Reads the configuration file.
    ///
    /// - Throws: `CommandError` when there is none, `ConfigurationError` for what is wrong in it.
    func configuration() throws -> Configuration {
        if unsafe access(configurationPath, F_OK) != 0, errno == ENOENT {
            throw CommandError(
                .configuration, "there is no \(configurationPath)",
                hint: "'gatehouse init' makes it; --config names another file")
        }
        return try Configuration.load(path: configurationPath)
    }
}
