import Control
import Glibc
package import Support

/// Delivers what waits in the spool: `gatehouse-watch ship`.
package struct Shipping {
    /// From one look into the spool to the next.
    private static let interval = Duration.milliseconds(200)

    private let settings: WatchSettings
    private let version: String
    private let log: Log
    private let spool: Spool

    /// - Parameter version: of this program, for the gateway to know.
    package init(_ settings: WatchSettings, version: String, log: Log) {
        self.settings = settings
        self.version = version
        self.log = log
        spool = Spool(settings.spool)
    }

    /// Connects, delivers, and connects again when the connection ends; returns never.
    package func run(to gateway: TCPAddress) -> Never {
        signal(SIGPIPE, SIG_IGN)
        var pauses = ReconnectPauses()
        while true {
            let begun = MonotonicTime.now
            let reason = deliver(to: gateway)
            log.notice("delivery ended", ["reason": reason.printable])
            let pause = pauses.next(after: MonotonicTime.now - begun, random: .random(in: 0..<1))
            usleep(UInt32(pause.milliseconds * 1_000))
        }
    }

    /// Delivers to a gateway that has called this process, over standard input and output, until it hangs up.
    ///
    /// - Throws: why it could not go on.
    package func answer() throws {
        signal(SIGPIPE, SIG_IGN)
        try FetchTurn(settings.runtime).take()
        try converse(over: DeliveryStream(input: Descriptor(adopting: 0), output: Descriptor(adopting: 1)))
    }

    /// Delivers over one connection until it ends, and says why it did.
    private func deliver(to gateway: TCPAddress) -> String {
        let connection: GatewayConnection
        do {
            connection = try GatewayConnection(to: gateway, settings)
        } catch {
            return "\(error)"
        }
        var reason = "the gateway closed it"
        do {
            try converse(over: connection.stream)
        } catch {
            reason = "\(error)"
        }
        let words = connection.end()
        return words.isEmpty ? reason : words
    }

    private func converse(over connection: DeliveryStream) throws {
        try connection.send(.hello(version: version, boot: bootID))
        var plan = ShippingPlan(at: .now)
        while true {
            for action in plan.next({ spool.entries() }, at: .now) {
                try perform(action, over: connection)
            }
            if plan.isStalled(at: .now) { throw WireError("the gateway does not answer") }
            guard let messages = try connection.receive(until: .now + Self.interval) else { return }
            for message in messages {
                if case .refused(let name, let refusal, let reason) = message {
                    log.warning(
                        "segment refused",
                        ["segment": name.printable, "why": "\(refusal)", "reason": reason.printable])
                }
                for action in try plan.take(message, at: .now) { try perform(action, over: connection) }
            }
        }
    }

    private func perform(_ action: ShippingPlan.Action, over connection: DeliveryStream) throws {
        switch action {
        case .send(let entry, let acceptsHole):
            let bytes: [UInt8]
            do {
                bytes = try spool.read(entry, limit: DeliveryMessage.lengthLimit - 1_024)
            } catch {
                // Gone, or nothing that could be sent: the gateway hears of it as a hole.
                if error.number == ENOENT || error.number == EFBIG { spool.putAside(entry) }
                throw WireError("\(entry.name): \(error.reason)")
            }
            try connection.send(.segment(name: entry.name, acceptsHole: acceptsHole, bytes: bytes))
        case .sendStatus:
            try connection.send(.status(status))
            if let load = MachineLoad.read() { try connection.send(.load(load)) }
        case .remove(let entry): spool.remove(entry)
        case .putAside(let entry): spool.putAside(entry)
        case .rescan(let tree, let isWhole):
            RescanRequests(settings.runtime).add(tree, isWhole ? .whole : .differences)
        }
    }

    private var status: WatcherStatus {
        let entries = spool.entries()
        let watcher = StatusFile.read(in: settings.runtime)
        return WatcherStatus(
            isWatching: watcher != nil, since: watcher?.since ?? 0, events: watcher?.events ?? 0,
            gaps: watcher?.gaps ?? 0, spoolBytes: spool.byteCount(of: entries),
            spoolSegments: UInt64(entries.count), trees: watcher?.trees ?? [])
    }

    private var bootID: String {
        let file = try? Descriptor.open("/proc/sys/kernel/random/boot_id", O_RDONLY)
        let contents = (try? file?.readAll(limit: 64)) ?? []
        return String(decoding: contents.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
