package import Directory
import Routing

/// A host from which the gateway fetches what its watcher saw.
package struct FetchTarget: Equatable, Sendable {
    package let host: Host
    package let key: WatchKey

    package init(host: Host, key: WatchKey) {
        self.host = host
        self.key = key
    }

    /// From whom is to be fetched now, by name: those whose watcher was installed so, are not disabled and do not sleep. Nobody is woken
    /// for this, and who is being drained has still something to tell.
    package static func wanted(of hosts: [Host], keys: [WatchKey]) -> [String: FetchTarget] {
        let keys = Dictionary(keys.filter(\.isFetched).map { ($0.host, $0) }) { $1 }
        return hosts.reduce(into: [:]) { wanted, host in
            guard let key = keys[host.name], host.state == .active, host.outage == nil else { return }
            wanted[host.name] = FetchTarget(host: host, key: key)
        }
    }
}
