import Accounts
import Commands
import Configuration
import Control
import Directory
import Routing
import SSHKeys
import Support

/// The daemon's answers to a process of the session program that is to log in as root on a host.
struct RootLogin {
    /// Which of root's lines lets the gateway in.
    enum Door: String {
        /// All that root may do.
        case accounts
        /// What the watcher saw is fetched, and its program brought.
        case fetch

        func principal(on host: String) -> String {
            switch self {
            case .accounts: RootAccess.principal(on: host)
            case .fetch: RootAccess.fetchPrincipal(on: host)
            }
        }

        func hint(of host: String) -> String {
            switch self {
            case .accounts:
                "root on the host must trust the gateway: 'gatehouse host bootstrap \(host)' prints the line"
            case .fetch: "'gatehouse watch install \(host) --fetch' has sshd there let the gateway in"
            }
        }
    }

    private let door: Door
    private let host: Host
    private let settings: GatewaySettings
    private let reach: HostReach
    private var wasAsked = false
    /// Why it did not come to a login.
    private(set) var failure: String?
    /// Whether the host has let the gateway in.
    private(set) var isReady = false

    init(_ door: Door, on host: Host, settings: GatewaySettings, reach: HostReach) {
        self.door = door
        self.host = host
        self.settings = settings
        self.reach = reach
    }

    /// Answers a request; blocks while the host is dialled.
    ///
    /// - Throws: `ToolRun.Failure` for a request that the process may not make, and when no certificate can be made.
    mutating func answer(_ request: SessionRequest) throws -> (SessionReply, [Descriptor]) {
        switch request {
        case .connect(let blob) where !wasAsked:
            wasAsked = true
            return try connect(blob)
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

    private mutating func connect(_ blob: [UInt8]) throws -> (SessionReply, [Descriptor]) {
        let configuration = settings.configuration
        let socket: Descriptor
        do throws(TCPError) {
            socket = try reach.dial(
                host, timeout: configuration.connectTimeout, reason: "gatehouse:\(door.rawValue)")
        } catch {
            let reason = "\(host.name) cannot be reached: \(error)"
            failure = reason
            return (.refused(reason: reason), [])
        }
        TCP.expectLife(on: socket, within: configuration.hostAliveTimeout)
        let certificate = try settings.authority.sign(
            UserCertificate(
                for: try PublicKey(blob: blob), serial: .random(in: 1...UInt64.max),
                keyID: "gatehouse:\(door.rawValue):root", principals: [door.principal(on: host.name)],
                validity: configuration.certificateValidity))
        let connection = HostConnection(
            host: host.name, user: "root", hostKeys: host.keys.map(\.blob), certificate: certificate.blob)
        return (.host(connection), [socket])
    }

    /// Why the host did not let the gateway in.
    ///
    /// - Parameter words: what the process said before its end.
    func error(after words: [UInt8]) -> CommandError {
        let said = String(decoding: words.suffix(1_000), as: UTF8.self)
        let reason = failure ?? said.split(whereSeparator: \.isNewline).last.map { String($0).printable }
        return CommandError(
            .unavailable, reason ?? "\(host.name) cannot be reached", hint: door.hint(of: host.name))
    }
}
