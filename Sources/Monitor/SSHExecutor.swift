import Accounts
import Commands
import Configuration
import Control
import Directory
import Routing
import SSHKeys
import Support

/// Runs commands as root on hosts, over SSH in a process of the session program.
struct SSHExecutor: HostExecutor {
    private static let timeout = Duration.seconds(300)

    let program: SessionProgram
    /// The settings in force.
    let settings: Locked<GatewaySettings>
    let reach: HostReach

    /// - Throws: `CommandError` when the host cannot be reached or does not let the gateway in; `AccountError` when what it was
    ///   asked to run may have begun.
    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        let settings = settings.withLock { $0 }
        var isReady = false
        var wasAsked = false
        var failure: String?
        let tool = ToolRun(arguments: ["run", command], input: input, timeout: Self.timeout)
        let answer = { (request: SessionRequest) throws -> (SessionReply, [Descriptor]) in
            switch request {
            case .connect(let blob) where !wasAsked:
                wasAsked = true
                let socket: Descriptor
                do throws(TCPError) {
                    socket = try reach.dial(
                        host, timeout: settings.configuration.connectTimeout, reason: "gatehouse:accounts")
                } catch {
                    failure = "\(host.name) cannot be reached: \(error)"
                    return (.refused(reason: "\(host.name) cannot be reached: \(error)"), [])
                }
                let certificate = try settings.authority.sign(
                    UserCertificate(
                        for: try PublicKey(blob: blob), serial: .random(in: 1...UInt64.max),
                        keyID: "gatehouse:accounts:root", principals: [RootAccess.principal(on: host.name)],
                        validity: settings.configuration.certificateValidity))
                let connection = HostConnection(
                    host: host.name, user: "root", hostKeys: host.keys.map(\.blob),
                    certificate: certificate.blob)
                return (.host(connection), [socket])
            case .hostReady:
                isReady = true
                return (.noted, [])
            case .hostFailed(let reason, let detail):
                failure = "\(reason.sentence(about: host.name)): \(detail.printable)"
                return (.noted, [])
            default:
                throw ToolRun.Failure(description: "the tool asked for what it may not ask")
            }
        }
        let outcome: ToolRun.Outcome
        do {
            outcome = try tool.perform(program, answer: answer)
        } catch  where isReady {
            throw AccountError(
                .failed,
                "the work on \(host.name): \(error); what it had not done yet is done by the next run")
        }
        guard isReady else {
            let words = String(decoding: outcome.errors.suffix(1_000), as: UTF8.self)
            let reason = failure ?? words.split(whereSeparator: \.isNewline).last.map { String($0).printable }
            throw CommandError(
                .unavailable, reason ?? "\(host.name) cannot be reached",
                hint:
                    "root on the host must trust the gateway: 'gatehouse host bootstrap \(host.name)' prints the line"
            )
        }
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
        var connections = 0
        var failure: TCPError?
        let tool = ToolRun(arguments: ["keyscan"], outputLimit: Self.outputLimit, timeout: Self.patience)
        let outcome = try tool.perform(program) { request in
            guard case .connect = request, connections < Self.connectionLimit else {
                throw ToolRun.Failure(description: "the tool asked for what it may not ask")
            }
            connections += 1
            do throws(TCPError) {
                let socket = try TCP.connect(to: TCPAddress(host: address, port: port), timeout: timeout)
                return (
                    .host(HostConnection(host: address, user: "", hostKeys: [], certificate: [])), [socket]
                )
            } catch {
                failure = error
                return (.refused(reason: "\(error)"), [])
            }
        }
        let keys = String(decoding: outcome.output, as: UTF8.self).split(whereSeparator: \.isNewline)
            .compactMap { line in
                line.split(separator: " ").dropFirst().first.flatMap { Base64.decode($0) }
            }
        if keys.isEmpty {
            let place = TCPAddress(host: address, port: port)
            throw CommandError(
                .unavailable, "\(place): \(failure?.description ?? "no SSH server answers there")")
        }
        return keys
    }
}
