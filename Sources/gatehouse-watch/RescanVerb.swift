import Collector
import FileEvents
import Glibc
import Ownership
import SSHKeys
import Scanner
import Support

import struct Shipping.RescanRequests
import struct Shipping.WatchSettings

/// Walks this host's trees again and again: `gatehouse-watch rescan [--settings FILE]`.
enum RescanVerb: Verb {
    static let name = "rescan"
    static let summary = "Walk this host's trees: at first, each day, and when something was missed"
    static let usage = "rescan [--settings FILE] [--interval SECONDS]"

    /// From one look for requests to the next.
    private static let pause: UInt32 = 500_000
    /// Where the last walk of each tree is kept, to tell only what is different.
    private static let folder = "/var/lib/gatehouse-watch"

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        let path = try words.option("--settings") ?? WatchSettings.path
        let interval = try words.number("--interval", in: 1...Int64(366 * 86_400)) ?? 86_400
        try words.finish()
        let log = Log()
        let settings: WatchSettings
        do {
            settings = try WatchSettings.load(path)
        } catch {
            throw Refusal(.configuration, "\(error)", hint: "'gatehouse watch install' writes it")
        }
        if unsafe mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw Refusal(.failure, "\(SystemError("make \(folder)"))")
        }
        var due: [String: MonotonicTime] = [:]
        let requests = RescanRequests(settings.runtime)
        while true {
            for tree in settings.scannedTrees {
                let request = requests.take(tree)
                guard request != nil || MonotonicTime.now >= due[tree] ?? .now else { continue }
                due[tree] = .now + .seconds(interval)
                do throws(Refusal) {
                    try walkApart(tree, whole: request == .whole, settings)
                    log.info("tree walked", ["tree": tree])
                } catch {
                    log.warning("tree not walked", ["tree": tree, "error": error.reason])
                    // Soon again: something may have been in the way for a moment.
                    due[tree] = .now + .seconds(min(interval, 60))
                    if request != nil { requests.add(tree, request == .whole ? .whole : .differences) }
                }
            }
            usleep(pause)
        }
    }

    /// Walks a tree in a thread of its own, which ends with the walk: so do the mounts that a walk over a network makes for itself.
    private static func walkApart(_ tree: String, whole: Bool, _ settings: WatchSettings) throws(Refusal) {
        let outcome = Awaited<Result<Void, Refusal>?>(nil)
        do {
            try Thread.start("walk") {
                let result = Result { () throws(Refusal) in try walk(tree, whole: whole, settings) }
                outcome.change { $0 = result }
            }
        } catch {
            throw Refusal(.unavailable, "\(error)")
        }
        try outcome.wait { $0 }.get()
    }

    /// Walks a tree, and spools what is different since the last time, or everything.
    private static func walk(_ tree: String, whole: Bool, _ settings: WatchSettings) throws(Refusal) {
        let book = "\(folder)/\(RescanRequests.name(of: tree)).db"
        if whole {
            for suffix in ["", "-wal", "-shm"] { _ = unsafe unlink(book + suffix) }
        }
        let reporter: SpoolReporter
        do {
            let key = try PrivateKey(
                fileContents: Descriptor.open(settings.keyPath, O_RDONLY).readAll(limit: PrivateKey.fileLimit)
            )
            reporter = SpoolReporter(
                try Spool(
                    SpoolSettings(
                        folder: settings.spool, stream: .scans, host: settings.host,
                        boot: try BootIdentifier.current(with: key.publicKey), key: key,
                        capacity: settings.spoolLimit)))
        } catch {
            throw Refusal(.unavailable, "\(error)")
        }
        defer { reporter.close() }
        var order = ScanOrder()
        order.tree = Array(tree.utf8)
        _ = try order.scan(into: book, reporter)
    }
}

/// Puts what a walk finds into the spool.
private final class SpoolReporter: ScanReporter {
    private let spool: Spool

    init(_ spool: Spool) {
        self.spool = spool
    }

    func report(_ directory: DirectoryReport) throws { try put(.directory(directory)) }

    func report(_ scan: ScanReport) throws { try put(.scan(scan)) }

    /// Waits for room: a walk can take its time, and what it does not tell now is not told again.
    private func put(_ record: Record) throws {
        guard spool.append(record, now: Book.now) else { throw SystemError("spool", number: ENOSPC) }
        spool.tick(now: Book.now)
    }

    func flush() throws {
        spool.flush(now: Book.now)
        if let problem = spool.problem { throw problem }
    }

    func close() { spool.close(now: Book.now) }
}
