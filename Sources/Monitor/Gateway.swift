import Accounts
import Audit
import Authentication
import Commands
import Configuration
import Directory
import Fleet
import Front
import OneTimeCodes
import Ownership
import SSHKeys
import Sharing
import Support
import Watchers

/// What the threads of the daemon share.
final class Gateway: Sendable {
    let directory: DirectoryStore
    let events: EventLog
    /// What is in the shared trees.
    let book: BookStore
    /// Where the journals of live sessions are.
    let journals: String
    let program: SessionProgram
    /// Has sessions recorded.
    let recordings: RecordingDesk
    /// Where watchers deliver.
    let desk: DeliveryDesk
    let sharingLedger: SharingLedger
    private let sink: BookSink
    let sessions = SessionRegistry()
    let limits: Locked<ConnectionLimits>
    let penalties: Locked<AddressPenalties>
    /// How often codes and passwords may be tried.
    let guesses: GuessLedger
    /// Looks at one-time codes.
    let codes: CodeDesk
    /// Codes that hold for more than their login.
    let graceWindows = Locked(GraceWindows())
    /// Signs checkpoints of the event log.
    let eventKey: PrivateKey
    /// Where hosts are that are instances; looked for when the first of them is worked on.
    let cloud: Cloud
    /// The ways to hosts.
    let reach: HostReach
    /// What is known of them besides the directory.
    let board: HostBoard
    private let current: Locked<GatewaySettings>
    private let ledger: AccountLedger
    private let turns = HostTurns()
    /// Runs commands on hosts, each on its own way.
    let executor: Locked<any HostExecutor>
    private let accountService: Locked<AccountService>
    /// Knows the hosts that are instances.
    let inventory: InventoryKeeper
    /// Starts and stops them.
    let power: HostPower
    /// Stops those that nobody uses.
    let idle: IdleWatch

    /// Opens the database.
    ///
    /// - Throws: `SQLiteError`.
    init(_ settings: GatewaySettings, program: SessionProgram) throws {
        let configuration = settings.configuration
        directory = try DirectoryStore(path: configuration.databasePath, uidRange: configuration.uidRange)
        events = try EventLog(path: configuration.databasePath)
        eventKey = try EventSeal.open(events, of: configuration)
        book = try BookStore(path: configuration.bookPath)
        journals = configuration.journalDirectory
        self.program = program
        limits = Locked(
            ConnectionLimits(
                maximumConnections: configuration.maximumConnections,
                maximumStartups: configuration.maximumStartups,
                maximumStartupsPerAddress: configuration.maximumStartupsPerAddress))
        penalties = Locked(
            AddressPenalties(
                limit: configuration.maximumFailuresPerAddress, block: configuration.failureBlockTime))
        guesses = try GuessLedger(path: configuration.databasePath)
        codes = try CodeDesk.open(directory, guesses, of: configuration)
        cloud = Cloud(configuration.cloud)
        let current = Locked(settings)
        self.current = current
        let reach = HostReach(
            tunnels: TunnelDialer(
                cloud: cloud, program: SessionProgram.installed("gatehouse-ssm", in: "bin"),
                identity: program.tunnelIdentity,
                log: { Log(threshold: current.withLock { $0 }.configuration.logLevel) }))
        self.reach = reach
        sharingLedger = try SharingLedger(path: configuration.databasePath)
        let sink = BookSink(book, directory: directory)
        self.sink = sink
        recordings = try RecordingDesk(
            folder: configuration.recordingDirectory,
            program: SessionProgram.installed("gatehouse-record", in: "libexec/gatehouse"),
            identity: program.identity, events: events,
            log: { Log(threshold: current.withLock { $0.configuration.logLevel }) })
        desk = DeliveryDesk(
            directory: directory, events: events, sink: sink,
            log: { Log(threshold: current.withLock { $0.configuration.logLevel }) })
        let ledger = try AccountLedger(path: configuration.databasePath)
        self.ledger = ledger
        let routed = Self.hostExecutor(of: program, cloud, reach, current)
        let executor = Locked<any HostExecutor>(routed)
        self.executor = executor
        let accountService = Locked(Self.accounts(of: directory, ledger, turns, by: routed, settings))
        self.accountService = accountService
        inventory = InventoryKeeper(
            directory: directory, events: events, reader: CloudInventory(cloud),
            executor: { executor.withLock { $0 } },
            log: { Log(threshold: current.withLock { $0 }.configuration.logLevel) },
            forget: { host in try accountService.withLock { $0 }.forgetReports(of: host) })
        let power = HostPower(
            directory: directory, events: events, inventory: inventory, reach: reach,
            instances: CloudPower(cloud),
            settings: current)
        self.power = power
        board = HostBoard(
            events: events, sessions: sessions, desk: desk, waking: { power.waking },
            unwakeable: { power.unwakeable },
            log: { Log(threshold: current.withLock { $0 }.configuration.logLevel) })
        idle = IdleWatch(
            directory: directory, events: events, sessions: sessions, power: power,
            uidRange: configuration.uidRange, executor: { executor.withLock { $0 } },
            log: { Log(threshold: current.withLock { $0 }.configuration.logLevel) })
    }

    /// Makes accounts with the settings in force.
    var accounts: AccountService { accountService.withLock { $0 } }

    /// The settings in force now; what goes on keeps those it began with.
    var settings: GatewaySettings { current.withLock { $0 } }

    var log: Log { Log(threshold: settings.configuration.logLevel) }

    func log(for session: SessionID) -> Log {
        Log(threshold: settings.configuration.logLevel, context: [("session.id", session.description)])
    }

    /// Puts new settings in force.
    func use(_ settings: GatewaySettings) {
        let configuration = settings.configuration
        current.withLock { $0 = settings }
        cloud.use(configuration.cloud)
        let routed = Self.hostExecutor(of: program, cloud, reach, current)
        executor.withLock { $0 = routed }
        let service = Self.accounts(of: directory, ledger, turns, by: routed, settings)
        accountService.withLock { $0 = service }
        penalties.withLock { penalties in
            penalties.limit = configuration.maximumFailuresPerAddress
            penalties.block = configuration.failureBlockTime
        }
        limits.withLock { limits in
            limits.maximumConnections = configuration.maximumConnections
            limits.maximumStartups = configuration.maximumStartups
            limits.maximumStartupsPerAddress = configuration.maximumStartupsPerAddress
        }
    }

    private static func hostExecutor(
        of program: SessionProgram, _ cloud: Cloud, _ reach: HostReach, _ settings: Locked<GatewaySettings>
    ) -> ReportingExecutor {
        let timeout = settings.withLock { $0.configuration.agentTimeout }
        return ReportingExecutor(
            executor: RoutedExecutor(
                ssm: RunCommandExecutor(cloud, delivery: timeout),
                ssh: SSHExecutor(program: program, settings: settings, reach: reach), local: LocalExecutor()))
    }

    private static func accounts(
        of directory: DirectoryStore, _ ledger: AccountLedger, _ turns: HostTurns,
        by executor: any HostExecutor, _ settings: GatewaySettings
    ) -> AccountService {
        AccountService(
            directory: directory, ledger: ledger, turns: turns, executor: executor,
            range: settings.configuration.uidRange,
            certificateAuthority: settings.authority.publicKey.line,
            acceptedEnvironment: settings.configuration.acceptedEnvironment.map(\.text))
    }

    /// Makes shared folders, shares and transfers.
    var sharing: SharingService {
        SharingService(directory: directory, ledger: sharingLedger, executor: executor.withLock { $0 })
    }

    /// The program of watchers, which hosts fetch.
    static var watcherProgram: String { SessionProgram.installed("gatehouse-watch", in: "libexec/gatehouse") }

    private var hostWork: HostWork {
        HostWork(
            sharing: sharing, ledger: sharingLedger,
            watchers: WatcherService(
                directory: directory, executor: executor.withLock { $0 },
                fetcher: ReportingExecutor(
                    executor: SSHExecutor(program: program, settings: current, reach: reach, door: .fetch)),
                programPath: Self.watcherProgram, hostKeys: settings.publicHostKeys,
                authority: settings.authority.publicKey),
            report: { [desk] in desk.report(of: $0) }, filesOf: { [sink] in try sink.files(of: $0) })
    }

    /// Runs commands with what is in force now.
    var commandService: CommandService {
        let settings = settings
        var services =
            CommandServices(
                directory: directory, events: events, book: book,
                configuration: settings.configuration,
                gateway: GatewayKeys(
                    userAuthority: settings.authority.publicKey, hostKeys: settings.publicHostKeys,
                    eventKey: eventKey.publicKey),
                codes: codes,
                applier: AccountDoor(service: accounts), sessions: sessions,
                scanner: SSHKeyScanner(
                    program: program, timeout: settings.configuration.connectTimeout),
                inventory: inventory, hostWork: hostWork,
                conditions: board,
                wall: { [executor] text, host in try executor.withLock { $0 }.wall(text, on: host) })
        services.idle = { [idle] in idle.report(of: $0) }
        services.guesses = { [guesses] in guesses.records(of: $0, at: .now) }
        services.clearGuesses = { [guesses] in try guesses.clear(user: $0) }
        return CommandService(services)
    }
}

extension Configuration {
    /// What it says about AWS.
    var cloud: Cloud.Choice { Cloud.Choice(region: awsRegion, profile: awsProfile) }
}
