import Configuration
import Directory
import Glibc
import Routing
import Support

/// Asks the hosts of pools, from time to time, whether their sshd answers, and those that have failed, whether it does again.
struct HealthWatch: Sendable {
    /// Probes at a time. Most take no time, but a tunnel that does not come up takes most of a minute.
    private static let threadLimit = 32

    private struct Work {
        var hosts: [Host] = []
        var threads = 0
    }

    let gateway: Gateway
    private let work = Locked(Work())

    init(gateway: Gateway) {
        self.gateway = gateway
    }

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("health") { watch() }
    }

    private func watch() {
        var generation: Int64?
        var hosts: [Host] = []
        var members: Set<String> = []
        while true {
            sleep(1)
            do {
                let current = try gateway.directory.generation()
                if current != generation {
                    hosts = try gateway.directory.hosts()
                    members = Set(try gateway.directory.pools().flatMap(\.hosts))
                    generation = current
                }
                let interval = gateway.settings.configuration.healthCheckInterval
                try begin(gateway.board.takeProbes(of: hosts, members: members, interval: interval))
            } catch {
                gateway.log.error("the health of hosts cannot be looked after", ["error": "\(error)"])
            }
        }
    }

    /// Has these hosts probed, on threads of their own: a slow one keeps nobody else waiting.
    private func begin(_ hosts: [Host]) throws {
        let threads = work.withLock { work in
            work.hosts += hosts
            let missing = min(Self.threadLimit - work.threads, work.hosts.count)
            work.threads += missing
            return missing
        }
        for started in 0..<threads {
            do { try Thread.start("probe") { probe() } } catch {
                // What is left is taken by those that run, or by the next look.
                work.withLock { $0.threads -= threads - started }
                throw error
            }
        }
    }

    private func probe() {
        while let host = next() {
            if (try? gateway.dial(host, reason: Gateway.healthReason)) != nil,
                gateway.board.needsHandshake(with: host.name)
            {
                gateway.exchangeKeys(with: host)
            }
            gateway.board.endProbe(of: host.name)
        }
    }

    /// nil: the thread is not needed any more.
    private func next() -> Host? {
        work.withLock { work in
            if work.hosts.isEmpty {
                work.threads -= 1
                return nil
            }
            return work.hosts.removeFirst()
        }
    }
}

extension Gateway {
    /// What AWS shows of probes through tunnels.
    fileprivate static let healthReason = "gatehouse:health"

    /// Finds out whether a host whose sshd speaks does not break off again. Which key it shows is nothing to this.
    fileprivate func exchangeKeys(with host: Host) {
        let timeout = settings.configuration.connectTimeout
        let scanner = SSHKeyScanner(program: program, timeout: timeout)
        do {
            let (keys, failure) = try scanner.keys { () throws(TCPError) in
                try reach.dial(host, timeout: timeout, reason: Self.healthReason)
            }
            guard keys.isEmpty else { return board.noteHandshake(with: host.name) }
            let reason = failure?.description ?? "its sshd breaks off before keys are exchanged"
            board.noteFailure(of: host.name, reason, isHandshake: true)
        } catch {
            // Nothing that the host has done.
            log.warning("no keys can be exchanged", ["host.name": host.name, "error": "\(error)"])
        }
    }

    /// Takes note of a failure; of one that has failed several times the cloud is asked whether it was stopped meanwhile.
    func noteFailure(of host: Host, _ reason: String, isHandshake: Bool = false) {
        guard board.noteFailure(of: host.name, reason, isHandshake: isHandshake),
            let instance = host.instance
        else { return }
        do {
            try Thread.start("inventory") { [inventory, log] in
                do { try inventory.renew(instance, by: "health") } catch {
                    log.info("no news of a host", ["host.name": host.name, "error": "\(error)"])
                }
            }
        } catch {
            log.error("a host cannot be asked about", ["host.name": host.name, "error": "\(error)"])
        }
    }

    /// Connects with a host's sshd, waits until it speaks, and takes note of how that went.
    ///
    /// - Parameters:
    ///   - reason: shown in AWS's list of sessions.
    ///   - awaitsBanner: whether to make sure that sshd speaks, for who can go elsewhere; without it the connection is enough.
    /// - Throws: `TCPError`.
    func dial(_ host: Host, reason: String, awaitsBanner: Bool = true) throws(TCPError) -> Descriptor {
        let configuration = settings.configuration
        do throws(TCPError) {
            let deadline = MonotonicTime.now + configuration.connectTimeout
            let socket = try reach.dial(host, timeout: configuration.connectTimeout, reason: reason)
            TCP.expectLife(on: socket, within: configuration.hostAliveTimeout)
            guard awaitsBanner else { return socket }
            // What accepts connections need not be alive; only when its sshd has spoken it is.
            guard SSHBanner.comes(from: socket, until: max(deadline, .now + .seconds(1))) else {
                throw TCPError("it takes connections, but no SSH server speaks there")
            }
            board.noteAnswer(of: host.name, isDirect: TCP.localAddress(of: socket) != nil)
            return socket
        } catch {
            noteFailure(of: host, "\(error)")
            throw error
        }
    }
}
