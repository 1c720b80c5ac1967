import Audit
import Commands
import Control
import Directory
import Glibc
import Support

/// Where the watchers of all hosts deliver: who is connected, what was heard of each, and since when of whom nothing.
final class DeliveryDesk: Sendable {
    /// What is known of one host's watcher.
    private struct Entry {
        var socket: Descriptor?
        var version: String?
        var lastHeard: Timestamp?
        var lastTaken: Timestamp?
        var status: WatcherStatus?
        var load: (load: HostLoad, heard: MonotonicTime)?
        /// Why nothing could be fetched the last time.
        var fetchFailure: String?
        /// Trees that it is to walk, and whether it is to tell all of them.
        var rescans: [String: Bool] = [:]
    }

    let directory: DirectoryStore
    let events: EventLog
    let sink: any SegmentSink
    private let currentLog: @Sendable () -> Log
    private let entries = Locked<[String: Entry]>([:])
    private let complaints = Locked(RateLimit(interval: .seconds(10)))

    init(
        directory: DirectoryStore, events: EventLog, sink: any SegmentSink, log: @escaping @Sendable () -> Log
    ) {
        self.directory = directory
        self.events = events
        self.sink = sink
        currentLog = log
    }

    var log: Log { currentLog() }

    /// Takes a host's delivery on a thread of its own; an older connection of the same host ends.
    ///
    /// - Returns: the other end of the delivery's stream.
    /// - Throws: `SystemError`, or when it cannot be noted.
    func open(host: String, keyBlob: [UInt8], session: SessionID, address: String) throws -> Descriptor {
        let (ours, theirs) = try StreamSocket.pair()
        try take(ours, host: host, keyBlob: keyBlob, session: session, address: address)
        return theirs
    }

    /// Takes a host's delivery from this end of its stream on a thread of its own, and shuts the stream down at its end; an older
    /// connection of the same host ends.
    ///
    /// - Throws: `SystemError`.
    func take(
        _ ours: Descriptor, host: String, keyBlob: [UInt8], session: SessionID, address: String
    ) throws(SystemError) {
        let delivery = Delivery(
            desk: self, host: host, keyBlob: keyBlob, session: session, address: address, socket: ours)
        let older = entries.withLock { entries in
            let older = entries[host, default: Entry()].socket
            entries[host, default: Entry()].socket = ours
            entries[host]?.fetchFailure = nil
            return older
        }
        if let older { shutdown(older.number, Int32(SHUT_RDWR)) }
        try Thread.start("delivery") { [self] in
            let reason = delivery.run()
            shutdown(ours.number, Int32(SHUT_RDWR))
            entries.withLock { entries in
                if entries[host]?.socket?.number == ours.number { entries[host]?.socket = nil }
            }
            log.info("delivery ended", ["host.name": host, "reason": reason.printable])
        }
    }

    /// Keeps in mind why nothing could be fetched from a host; nil: it is not to be any more.
    func noteFetchFailure(of host: String, _ reason: String?) {
        entries.withLock { $0[host, default: Entry()].fetchFailure = reason }
    }

    // MARK: What was heard

    func heard(of host: String, version: String? = nil, status: WatcherStatus? = nil) {
        entries.withLock { entries in
            entries[host, default: Entry()].lastHeard = .now
            if let version { entries[host]?.version = version }
            if let status { entries[host]?.status = status }
        }
    }

    func heard(of host: String, load: HostLoad) {
        entries.withLock { $0[host, default: Entry()].load = (load, .now) }
    }

    /// How busy hosts are and whose services run there, as their watchers said no longer ago than that.
    func loads(within age: Duration) -> [String: HostLoad] {
        let now = MonotonicTime.now
        return entries.withLock { entries in
            entries.compactMapValues { $0.load.flatMap { now < $0.heard + age ? $0.load : nil } }
        }
    }

    func noteTaken(from host: String, events: Int, bytes: Int) {
        entries.withLock { $0[host, default: Entry()].lastTaken = .now }
        log.debug(
            "segment taken", ["host.name": host, "events": String(events), "bytes": String(bytes)])
    }

    /// What is known of the watcher on a host, without asking it.
    func report(of host: String) -> WatcherReport? {
        let entry = entries.withLock { $0[host] }
        guard let entry else { return nil }
        return WatcherReport(
            isConnected: entry.socket != nil, version: entry.version, lastHeard: entry.lastHeard,
            lastTaken: entry.lastTaken, status: entry.status, fetchFailure: entry.fetchFailure)
    }

    // MARK: Rescans

    /// Has the trees of a host walked anew, each by the host that does it.
    ///
    /// - Parameter isWhole: what was told before is lost.
    func wantRescan(of host: String, isWhole: Bool) {
        do {
            for tree in try directory.trees(on: host) {
                guard let scanner = tree.scanner else { continue }
                wantRescan(of: tree.path, isWhole: isWhole, by: scanner)
            }
        } catch {
            log.warning("walks cannot be asked for", ["host.name": host, "error": "\(error)"])
        }
    }

    /// Has this host walk those of its trees in which something was missed, as far as the book knows.
    ///
    /// What was wanted before may have been lost on the way, with the daemon or the connection.
    func wantMissedRescans(by host: String) {
        do {
            for (tree, isWhole) in try sink.treesToWalk(by: host) {
                wantRescan(of: tree, isWhole: isWhole, by: host)
            }
        } catch {
            log.warning("missed walks cannot be found out", ["host.name": host, "error": "\(error)"])
        }
    }

    private func wantRescan(of tree: String, isWhole: Bool, by scanner: String) {
        entries.withLock { entries in
            let known = entries[scanner]?.rescans[tree] ?? false
            entries[scanner, default: Entry()].rescans[tree] = known || isWhole
        }
    }

    /// The trees that this host is to walk, each told once.
    func takeRescans(of host: String) -> [(tree: String, isWhole: Bool)] {
        entries.withLock { entries in
            defer { entries[host]?.rescans = [:] }
            return (entries[host]?.rescans ?? [:]).sorted { $0.key < $1.key }
                .map { (tree: $0.key, isWhole: $0.value) }
        }
    }

    // MARK: Trouble

    func complain(of error: any Error, host: String) {
        guard complaints.withLock({ $0.pass(at: .now) }) != nil else { return }
        log.error("a segment cannot be taken", ["host.name": host, "error": "\(error)"])
    }

    /// When something was last heard of a host, whoever was the daemon then.
    func lastHeard(of host: String) -> Timestamp? {
        if let time = entries.withLock({ $0[host]?.lastHeard }) { return time }
        return (try? sink.lastDelivery(of: host)) ?? nil
    }
}
