internal import CSupport
internal import FileEvents
internal import Glibc
package import Ownership
package import Support

/// Walks a tree and brings the book to what is there: readers in threads, and the calling thread writes.
package final class TreeScanner {
    let book: Book
    let options: ScanOptions
    let reporter: (any ScanReporter)?
    let stack: WorkStack
    let queue = ReadQueue()
    private let root: Descriptor
    private let path: [UInt8]

    // What the writer knows.
    var scan: Scan
    var tree: Tree
    var look: Look
    var map: DirectoryMap?
    /// Nothing was known of the tree: every directory is new.
    var isFresh: Bool
    /// Mounts that were left out.
    package private(set) var mounts = 0
    var finished: [Int] = []
    var problems: [ScanProblem] = []
    /// The first problems, for the report.
    var reportedProblems: [ScanReport.Problem] = []

    /// Starts a scan, or goes on with one that was killed.
    ///
    /// - Parameters:
    ///   - path: the tree's root as the book calls it, absolute.
    ///   - root: the root's directory, opened; it may be another mount of the same file system.
    /// - Throws: `BookError`, `SQLiteError`.
    package init(
        _ path: [UInt8], root: Descriptor, book: Book, options: ScanOptions,
        reporter: (any ScanReporter)? = nil
    ) throws {
        self.book = book
        self.options = options
        self.reporter = reporter
        self.root = root
        self.path = path
        stack = WorkStack(readerCount: max(1, options.threads))
        let now = Book.now
        (tree, scan) = try book.write {
            let tree = try book.makeTree(path)
            return (tree, try book.unfinishedScan(of: tree.id) ?? book.beginScan(of: tree, at: now))
        }
        let earlier = try book.scans(of: tree.id, limit: 2).count > 1
        isFresh = try !scan.recordsChanges && (!earlier || book.root(of: tree.id) == nil)
        look = book.look(scan, tree, followsMoves: !isFresh)
        if !isFresh { map = try loadMap() }
    }

    /// Scans to the end.
    ///
    /// - Returns: the scan as the book keeps it.
    /// - Throws: `ScanError`, `BookError`, `SQLiteError`, `SystemError`, what the reporter throws. The next scan goes on from the last commit.
    package func run() throws -> Scan {
        var status = gh_stat()
        let result = unsafe gh_stat_beneath(root.number, "", &status)
        try SystemError.checkNegated(result, "stat \(String(decoding: path, as: UTF8.self))")
        if scan.directories == 0 { try report(.begins) }
        try startWork()
        let running = Awaited(0)
        defer {
            queue.close()
            stack.announceEnd()
            running.wait { $0 == 0 ? () : nil }
        }
        try startReaders(running, device: status.device)
        var isDone = false
        while !isDone {
            try book.write { isDone = try writeSome() }
        }
        try finish()
        return scan
    }

    private func startReaders(_ running: Awaited<Int>, device: UInt64) throws {
        let bucket = options.entriesPerSecond.map { Locked(TokenBucket(perSecond: $0, at: .now)) }
        let (stack, queue, root, options, digest) = (stack, queue, root, options, book.digest)
        let count = max(1, options.threads)
        // Counted before they run, so that the last one to end is the last one there is.
        running.change { $0 = count }
        for number in 0..<count {
            do {
                try Thread.start("scan") {
                    let reader = DirectoryReader(
                        root: root, rootDevice: device, crossesMounts: options.crossesMounts, digest: digest)
                    Self.read(with: reader, from: stack, to: queue, bucket, options)
                    let isLast = running.change { running in
                        running -= 1
                        return running == 0
                    }
                    if isLast { queue.close() }
                }
            } catch {
                // Without all readers nobody would find the end.
                running.change { $0 -= count - number }
                throw error
            }
        }
    }

    private static func read(
        with reader: DirectoryReader, from stack: WorkStack, to queue: ReadQueue,
        _ bucket: Locked<TokenBucket>?, _ options: ScanOptions
    ) {
        while let directory = stack.next() {
            let (result, directories) = reader.read(directory)
            let entryCount = result.packed?.entryCount ?? 0
            // The writer needs the parent first.
            guard queue.put(result) else { break }
            stack.push(PendingNames(parent: directory, names: directories), isResult: true)
            if let bucket {
                let cost = options.directoryCost + entryCount * options.entryCost
                let pause = bucket.withLock { $0.take(cost, at: .now) }
                if pause > 0 { wait(nanoseconds: pause) }
            }
        }
        stack.announceEnd()
    }

    private static func wait(nanoseconds: Int64) {
        var rest = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var request = rest
        while unsafe nanosleep(&request, &rest) != 0, errno == EINTR { request = rest }
    }

    func noteMounts(_ count: Int) { mounts += count }
}
