import Directory
import Routing
import Support

/// The ways to a host: over the network, and through Session Manager.
struct HostReach: Sendable {
    let tunnels: TunnelDialer

    /// Connects with a host on the way that its transport says.
    ///
    /// - Parameters:
    ///   - timeout: for the network; a tunnel takes its own time, 45 s at the most.
    ///   - bannerTimeout: how long the port may keep silent at a tunnel's other end, 1 to 60 s; nil: 15 s.
    ///   - reason: shown in AWS's list of sessions.
    /// - Throws: `TCPError`, of both ways when both were tried.
    func dial(
        _ host: Host, timeout: Duration, bannerTimeout: Duration? = nil, reason: String
    ) throws(TCPError) -> Descriptor {
        guard let instance = host.tunnelInstance else {
            return try HostDialer.dial(host, timeout: timeout)
        }
        if host.transport == .ssm {
            return try tunnels.dial(instance, port: host.port, bannerTimeout: bannerTimeout, reason: reason)
        }
        do throws(TCPError) {
            return try HostDialer.dial(host, timeout: timeout)
        } catch let direct {
            do throws(TCPError) {
                return try tunnels.dial(
                    instance, port: host.port, bannerTimeout: bannerTimeout, reason: reason)
            } catch {
                throw TCPError("\(direct); through Session Manager: \(error)")
            }
        }
    }
}
