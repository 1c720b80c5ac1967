import Audit
import Directory

/// What one run of a command works with.
package struct CommandContext: Sendable {
    package let services: CommandServices
    package let caller: Caller
    package let terminal: any Terminal
    package let table: CommandTable

    /// - Parameter table: what `help` tells about.
    package init(
        services: CommandServices, caller: Caller, terminal: any Terminal, table: CommandTable = .gatehouse
    ) {
        self.services = services
        self.caller = caller
        self.terminal = terminal
        self.table = table
    }

    var directory: DirectoryStore { services.directory }

    /// Prints what a command has read, in one of its two forms.
    func show(
        json isJSON: Bool, _ document: @autoclosure () throws -> [String: JSON],
        text: @autoclosure () throws -> String
    ) throws -> ExitCode {
        try terminal.out(isJSON ? JSON.document(document()).pretty : text())
        return .success
    }

    /// Makes sure that a person wants what cannot be undone.
    ///
    /// - Parameter isGiven: `--yes` was.
    /// - Throws: `CommandError` when there is nobody to ask, or the answer is no.
    func confirm(_ question: String, unless isGiven: Bool) throws {
        if isGiven { return }
        guard terminal.isInteractive else {
            throw CommandError(
                .usage, "this wants a confirmation, and there is no terminal to ask on",
                hint: "add --yes to go on without being asked")
        }
        let answer = try terminal.ask("\(question) [y/N]")?.lowercased()
        guard answer == "y" || answer == "yes" else { throw CommandError(.failure, "nothing was changed") }
    }

    /// Says that something was done, after the event log has it.
    func done(_ change: Change, _ sentence: String) throws -> ExitCode {
        try record(change)
        try terminal.outLine(sentence)
        return .success
    }

    /// Puts a change of the directory into the event log.
    func record(_ change: Change) throws {
        var detail = change.detail
        detail["action"] = change.action
        detail["by"] = caller.description
        try services.events.append(
            Event(
                .directoryChanged, at: services.now(), session: caller.session, user: caller.userName,
                host: change.host, address: caller.address, detail: detail))
    }

    /// The caller's name in the directory.
    ///
    /// - Throws: `CommandError` for the operator, who is nobody there.
    func ownName(insteadUse instead: String) throws -> String {
        guard let name = caller.userName else {
            throw CommandError(
                .refused, "this is for people of the directory, over SSH", hint: "use 'gatehouse \(instead)'")
        }
        return name
    }
}

/// What a command changed, for the event log; never holds key material beyond a fingerprint.
struct Change {
    /// The command's words, such as `user add`.
    var action: String
    var host: String?
    var detail: [String: String]

    init(_ command: any Command.Type, host: String? = nil, _ detail: [String: String]) {
        action = command.title
        self.host = host
        self.detail = detail
    }
}
