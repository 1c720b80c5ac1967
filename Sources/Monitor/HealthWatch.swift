import Configuration
import Directory
import Glibc
import Routing
import Support

/// Asks the hosts of pools, from time to time, whether their sshd answers, and those that have failed, whether it does again.
struct HealthWatch: Sendable {
    private static let threadLimit = 8

    let gateway: Gateway

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("health") { watch() }
    }

    private func watch() {
        while true {
            sleep(1)
            do {
                let configuration = gateway.settings.configuration
                let hosts = try gateway.board.takeProbes(interval: configuration.healthCheckInterval)
                _ = Parallel.map(hosts, limit: Self.threadLimit) { host in
                    _ = try? gateway.dial(host, reason: "gatehouse:health")
                }
            } catch {
                gateway.log.error("the health of hosts cannot be looked after", ["error": "\(error)"])
            }
        }
    }
}

extension Gateway {
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
            board.noteFailure(of: host.name, "\(error)")
            throw error
        }
    }
}
