import Audit
import Configuration
import Glibc
import Sandbox
import Support

/// `gatehoused`.
package enum GatewayDaemon {
    /// Does what the words after the program's name ask for.
    ///
    /// - Returns: the exit status.
    package static func run(_ words: some Sequence<String>) -> Int32 {
        guard let options = DaemonOptions(words) else {
            complain(DaemonOptions.usage)
            return 64
        }
        do {
            let configuration = try Configuration.load(path: options.configuration)
            let settings = try GatewaySettings(configuration)
            let program = try SessionProgram(configuration)
            let library = try StartupChecks.requirePatchedLibrary()
            if configuration.hasFrontEnd {
                try StartupChecks.requireFrontSocket(at: configuration.frontSocketPath, mayBeMissing: true)
            }
            switch options.mode {
            case .check: return 0
            case .print:
                print(configuration.rendered, terminator: "")
                return 0
            case .serve:
                return try serve(settings, program: program, library: library, file: options.configuration)
            }
        } catch let error as ConfigurationError {
            for problem in error.problems { complain("gatehoused: \(problem)") }
            return 78
        } catch let error as StartupError {
            complain("gatehoused: \(error)")
            return 78
        } catch {
            complain("gatehoused: \(error)")
            return 1
        }
    }

    private static func serve(
        _ settings: GatewaySettings, program: SessionProgram, library: String?, file: String
    ) throws -> Int32 {
        let sockets = ServiceManager.takeSockets()
        let manager = ServiceManager()
        let signals = SignalQueue([SIGTERM, SIGINT, SIGHUP])
        raiseDescriptorLimit()
        let configuration = settings.configuration
        try makeDirectory(configuration.runtimeDirectory, mode: 0o755)
        try makeDirectory(configuration.journalDirectory, mode: 0o700)
        try makeDirectory(configuration.recordingDirectory, mode: 0o700)
        let pidFile = try PidFile(at: configuration.pidFilePath)
        defer { pidFile.remove() }

        let gateway = try Gateway(settings, program: program)
        try Watchman(gateway: gateway).start()
        try AccountWatch(gateway: gateway).start()
        try InventoryWatch(gateway: gateway).start()
        try SilenceWatch(desk: gateway.desk, directory: gateway.directory, events: gateway.events).start()
        try ShareWatch(gateway: gateway).start()
        try gateway.power.resume()
        try RetentionWatch(gateway: gateway).start()
        try RecordingWatch(
            desk: gateway.recordings, settings: { gateway.settings }, log: { gateway.log }
        ).start()
        let checkpoints = CheckpointWatch(gateway: gateway)
        try HealthWatch(gateway: gateway).start()
        try DrainWatch(gateway: gateway).start()
        try GrantWatch(gateway: gateway).start()
        try gateway.idle.start()
        try FetchDesk(gateway: gateway).start()
        let frontDoor = try FrontDoor(gateway: gateway, sockets: sockets)
        let commandDoor = try CommandDoor(
            at: configuration.controlSocketPath, service: { gateway.commandService },
            log: { gateway.log })
        try gateway.events.append(Event(.daemonStarted, detail: ["pid": String(getpid())]))
        try checkpoints.start()
        try commandDoor.start()
        try frontDoor.open()
        for path in [program.path, gateway.recordings.program] where StartupChecks.isReadableByOthers(path) {
            gateway.log.warning(
                "session processes are not safe from each other: others can read their program; chmod 711",
                ["program.path": path])
        }
        if Sandbox.landlockVersion == nil {
            gateway.log.warning("this kernel has no Landlock: processes are confined by seccomp alone")
        }
        manager.notify("READY=1")
        gateway.log.notice(
            "ready",
            [
                "listen": frontDoor.addresses,
                "libssh": library ?? "unknown",
            ])

        while signals.next() == SIGHUP { reload(gateway, file: file) }

        manager.notify("STOPPING=1")
        frontDoor.close()
        commandDoor.close()
        _ = unsafe unlink(configuration.controlSocketPath)
        _ = try? gateway.events.append(Event(.daemonStopped, detail: ["pid": String(getpid())]))
        checkpoints.makeLast()
        gateway.log.notice("stopped")
        return 0
    }

    private static func reload(_ gateway: Gateway, file: String) {
        do {
            let settings = try GatewaySettings(try Configuration.load(path: file))
            let old = gateway.settings.configuration
            gateway.use(settings)
            gateway.log.notice("configuration read again")
            if !settings.configuration.isSamePlace(as: old) {
                gateway.log.warning("some changes of the configuration need a restart")
            }
        } catch {
            gateway.log.error("the configuration is wrong; the old one stays", ["error": "\(error)"])
        }
    }

    /// A session costs a handful of descriptors here.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func makeDirectory(_ path: String, mode: UInt32) throws(SystemError) {
        if unsafe mkdir(path, mode) != 0, errno != EEXIST { throw SystemError("make \(path)") }
        try SystemError.check(unsafe chmod(path, mode), "chmod \(path)")
    }

    private static func complain(_ text: String) {
        _ = unsafe (text + "\n").utf8CString.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count - 1) }
    }
}

extension Configuration {
    /// Whether a reload from `other` is complete: what is decided once at the start is the same.
    fileprivate func isSamePlace(as other: Configuration) -> Bool {
        listenAddresses == other.listenAddresses && stateDirectory == other.stateDirectory
            && runtimeDirectory == other.runtimeDirectory && sessionProgram == other.sessionProgram
            && sessionUser == other.sessionUser && tunnelUser == other.tunnelUser
            && uidRange == other.uidRange && hasFrontEnd == other.hasFrontEnd
    }
}
