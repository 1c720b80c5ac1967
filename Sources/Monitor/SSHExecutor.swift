import Accounts
import Commands
import Control
import Directory
import SSHKeys
import Support

/// Runs commands as root on hosts, over SSH in a process of the session program.
struct SSHExecutor: HostExecutor {
    private static let timeout = Duration.seconds(300)

    let program: SessionProgram
    /// The settings in force.
    let settings: Locked<GatewaySettings>
    let reach: HostReach
    /// By which of root's lines it gets in.
    var door = RootLogin.Door.accounts

    /// - Throws: `CommandError` when the host cannot be reached or does not let the gateway in; `AccountError` when what it was
    ///   asked to run may have begun.
    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        var login = RootLogin(door, on: host, settings: settings.withLock { $0 }, reach: reach)
        let tool = ToolRun(arguments: ["run", command], input: input, timeout: Self.timeout)
        let outcome: ToolRun.Outcome
        do {
            outcome = try tool.perform(program) { try login.answer($0) }
        } catch  where login.isReady {
            throw AccountError(
                .failed,
                "the work on \(host.name): \(error); what it had not done yet is done by the next run")
        }
        guard login.isReady else { throw login.error(after: outcome.errors) }
        return ExecutionResult(
            status: outcome.status, output: outcome.output, errorOutput: outcome.errors)
    }
}

/// Asks a host that nobody knows yet for its keys, in a process of the session program.
struct SSHKeyScanner: HostKeyScanner {
    private static let patience = Duration.seconds(30)
    /// One connection for each kind of key.
    private static let connectionLimit = 3
    private static let outputLimit = 64 * 1_024

    let program: SessionProgram
    /// How long one connection may take to be made.
    let timeout: Duration

    func scan(address: String, port: UInt16) throws -> [[UInt8]] {
        let place = TCPAddress(host: address, port: port)
        let (keys, failure) = try keys { () throws(TCPError) in
            try TCP.connect(to: place, timeout: timeout)
        }
        if keys.isEmpty {
            throw CommandError(
                .unavailable, "\(place): \(failure?.description ?? "no SSH server answers there")")
        }
        return keys
    }

    /// The keys that a host shows in key exchanges; none: there was none, or `failure` to connect.
    ///
    /// - Parameter connect: gives a connected socket, for each exchange its own.
    func keys(
        connecting connect: () throws(TCPError) -> Descriptor
    ) throws -> (keys: [[UInt8]], failure: TCPError?) {
        var connections = 0
        var failure: TCPError?
        let tool = ToolRun(arguments: ["keyscan"], outputLimit: Self.outputLimit, timeout: Self.patience)
        let outcome = try tool.perform(program) { request in
            guard case .connect = request, connections < Self.connectionLimit else {
                throw ToolRun.Failure(description: "the tool asked for what it may not ask")
            }
            connections += 1
            do throws(TCPError) {
                let socket = try connect()
                return (.host(HostConnection(host: "", user: "", hostKeys: [], certificate: [])), [socket])
            } catch {
                failure = error
                return (.refused(reason: "\(error)"), [])
            }
        }
        let keys = String(decoding: outcome.output, as: UTF8.self).split(whereSeparator: \.isNewline)
            .compactMap { line in
                line.split(separator: " ").dropFirst().first.flatMap { Base64.decode($0) }
            }
        return (keys, failure)
    }
}
