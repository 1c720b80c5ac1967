import Glibc
import Ownership
import Scanner
import Support

/// Walks a tree: `gatehouse-watch scan TREE --book FILE`.
enum ScanVerb: Verb {
    static let name = "scan"
    static let summary = "Walk a tree and bring the book to what is there"
    static let usage =
        "scan TREE --book FILE [--threads N] [--rate N] [--cross-mounts]"

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        var order = ScanOrder()
        order.threads = try words.number("--threads", in: 1...256)
        order.rate = try words.number("--rate", in: 1...1_000_000_000)
        order.crossesMounts = words.flag("--cross-mounts")
        guard let book = try words.option("--book") else {
            throw Refusal(.usage, "--book is missing", hint: "it names the file that keeps what is found")
        }
        order.tree = Array(try words.positional("TREE").utf8)
        try words.finish()
        return try order.scan(into: book)
    }
}

/// What is asked of one scan.
struct ScanOrder {
    var tree: [UInt8] = []
    var threads: Int?
    var rate: Int?
    var crossesMounts = false

    /// Scans and says in one line what was found.
    func scan(into path: String, _ reporter: (any ScanReporter)? = nil) throws(Refusal) -> ExitStatus {
        do {
            let began = MonotonicTime.now
            let plan = try FileSystemPlan.deciding(tree)
            // A mount of its own must be there before the first thread is.
            let root = try plan.open(tree)
            let lock = try Self.lock(path)
            defer { withExtendedLifetime(lock) {} }
            let scanner = try TreeScanner(
                tree, root: root, book: Book(path: path), options: options(plan), reporter: reporter)
            let scan = try scanner.run()
            let took = MonotonicTime.now - began
            print(
                "scan \(scan.id): \(scan.directories) directories, \(scan.entries) entries, \(scan.changed) directories new or different, "
                    + "\(scan.problems) problems, \(scanner.mounts) mounts left out, \(took.milliseconds) ms")
            return scan.problems == 0 ? .success : .failure
        } catch let refusal as Refusal {
            throw refusal
        } catch let error as ScanError {
            let tree = String(decoding: tree, as: UTF8.self).printable
            throw Refusal(error.code == .badRoot ? .notFound : .unavailable, "\(tree): \(error)")
        } catch {
            throw Refusal(.failure, "\(error)".printable)
        }
    }

    /// Held by the one scan that writes a book.
    private static func lock(_ book: String) throws -> Descriptor {
        let file = try Descriptor.open(book + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW)
        do throws(SystemError) {
            try file.lock()
        } catch {
            throw Refusal(
                .unavailable, "another scan writes \(book)", hint: "wait for it, or take another book")
        }
        return file
    }

    private func options(_ plan: FileSystemPlan) -> ScanOptions {
        var options = ScanOptions()
        options.threads = threads ?? plan.threads
        options.entriesPerSecond = rate
        options.crossesMounts = crossesMounts
        if case .freshMount = plan {
            // LOOKUP or ACCESS, GETATTR and READDIR for each directory, and nothing for its entries.
            options.directoryCost = 3
            options.entryCost = 0
        }
        return options
    }
}
