import Directory
import Glibc
import Shipping
import Support

/// Fetches what watchers saw from hosts that do not reach the gateway: one connection to each of them, made again when it ends.
final class FetchDesk: Sendable {
    /// Connections that are being made at a time: after a start of the daemon all of them are wanted at once.
    private static let dialLimit = 16
    /// Longer than that of watchers: each attempt may be a session of AWS's Session Manager.
    private static let longestPause = Duration.seconds(60)

    private struct State: Sendable {
        /// From whom is to be fetched, by name.
        var wanted: [String: FetchTarget] = [:]
        /// Hosts that have a thread, each with the stream of its connection, if there is one.
        var streams: [String: Descriptor?] = [:]
        var dials = 0
    }

    private let gateway: Gateway
    private let state = Awaited(State())

    init(gateway: Gateway) {
        self.gateway = gateway
    }

    /// Looks every second who is to be fetched from, for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws(SystemError) {
        try Thread.start("fetches") { [self] in
            var generation: Int64?
            while true {
                do {
                    let current = try gateway.directory.generation()
                    if current != generation {
                        try look()
                        generation = current
                    }
                } catch {
                    gateway.log.error("hosts to fetch from cannot be looked for", ["error": "\(error)"])
                }
                sleep(1)
            }
        }
    }

    private func look() throws {
        let wanted = FetchTarget.wanted(
            of: try gateway.directory.hosts(), keys: try gateway.directory.watchKeys())
        let (new, ending) = state.change { [wanted] state in
            state.wanted = wanted
            let new = wanted.keys.filter { state.streams.index(forKey: $0) == nil }
            for name in new { state.streams.updateValue(nil, forKey: name) }
            return (new, state.streams.filter { wanted[$0.key] == nil }.compactMap(\.value))
        }
        for stream in ending { shutdown(stream.number, Int32(SHUT_RDWR)) }
        for (number, name) in new.enumerated() {
            do { try Thread.start("fetch") { [self] in fetch(from: name) } } catch {
                // Those that are left are tried again.
                state.change { state in for name in new[number...] { state.streams[name] = nil } }
                throw error
            }
        }
    }

    /// Fetches from a host for as long as that is wanted.
    private func fetch(from name: String) {
        var pauses = ReconnectPauses(longest: Self.longestPause)
        while let target = state.change({ state -> FetchTarget? in
            if state.wanted[name] == nil { state.streams[name] = nil }
            return state.wanted[name]
        }) {
            let (reason, greeted) = connect(to: target)
            let held = greeted.map { MonotonicTime.now - $0 } ?? .zero
            let isWanted = state.change { state in
                state.streams.updateValue(nil, forKey: name)
                return state.wanted[name] != nil
            }
            gateway.desk.noteFetchFailure(of: name, isWanted ? reason : nil)
            gateway.log.notice("fetching ended", ["host.name": name, "reason": reason])
            let end = MonotonicTime.now + pauses.next(after: held, random: .random(in: 0..<1))
            _ = state.wait(until: end) { $0.wanted[name] == nil ? true : nil }
        }
    }

    private func connect(to target: FetchTarget) -> (reason: String, greeted: MonotonicTime?) {
        let name = target.host.name
        _ = state.wait { state -> Bool? in
            guard state.dials < Self.dialLimit else { return nil }
            state.dials += 1
            return true
        }
        var isDialling = true
        func endDial() {
            if isDialling { state.change { $0.dials -= 1 } }
            isDialling = false
        }
        defer { endDial() }
        let fetch = HostFetch(gateway: gateway, host: target.host, key: target.key)
        return fetch.run(
            begun: { [state] stream in
                let isWanted = state.change { state in
                    state.streams.updateValue(stream, forKey: name)
                    return state.wanted[name] != nil
                }
                if !isWanted { shutdown(stream.number, Int32(SHUT_RDWR)) }
            }, greeted: endDial)
    }
}
