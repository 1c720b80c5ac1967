package import Support

/// Between the watcher of a host and the gateway's book, as a stream of frames through an SSH channel.
///
/// The host opens with `hello` and hears `welcome`; then it sends one segment after the other, each answered by `taken` or `refused`
/// before the next, and `status` and `load` at any time. A frame is a `uint32` length, then that many bytes: a type byte and fields as in RFC
/// 4251 section 5.
package enum DeliveryMessage: Equatable, Sendable {
    /// No frame is longer, in bytes: a segment and its number fit.
    package static let lengthLimit = 12 * 1_024 * 1_024

    /// What the host asks its `ssh` to run.
    package static let subsystem = "gatehouse-book"
    /// What a watcher asks for to have its program, which comes as it is.
    package static let programSubsystem = "gatehouse-watch-program"

    /// Host → gateway: the program's version and the host's boot id.
    case hello(version: String, boot: String)

    /// Host → gateway: a sealed segment; `name` is what the host calls it, and is echoed.
    ///
    /// - acceptsHole: what should come before it is lost, and the host says so.
    case segment(name: String, acceptsHole: Bool, bytes: [UInt8])

    /// Host → gateway: how the watcher is.
    case status(WatcherStatus)

    /// Host → gateway: how busy the host is.
    case load(HostLoad)

    /// Gateway → host: go on.
    case welcome

    /// Gateway → host: the segment is in the book, for good; the host may forget it.
    case taken(name: String)

    /// Gateway → host: the segment is not in the book.
    case refused(name: String, DeliveryRefusal, reason: String)

    /// Gateway → host: walk this tree; something was missed.
    ///
    /// - isWhole: tell all of it, as if it had never been told.
    case rescan(tree: String, isWhole: Bool)
}

/// Why a segment was not taken.
package enum DeliveryRefusal: UInt8, Sendable, CaseIterable {
    /// The book cannot be written now; the same again later.
    case later = 1
    /// What comes before it has not been taken.
    case outOfOrder
    /// It is not what the host's watcher sealed; it will never be taken.
    case damaged
}

/// How the watcher of a host says it is.
package struct WatcherStatus: Equatable, Sendable {
    /// Whether the collector runs and has spoken lately.
    package var isWatching: Bool
    /// When the collector was started, in milliseconds since the epoch; 0: not known.
    package var since: UInt64
    /// Events seen since then.
    package var events: UInt64
    /// Gaps since then.
    package var gaps: UInt64
    /// Bytes in the spool, and in how many segments.
    package var spoolBytes: UInt64
    package var spoolSegments: UInt64
    /// The trees that are watched, by path.
    package var trees: [String]

    package init(
        isWatching: Bool, since: UInt64 = 0, events: UInt64 = 0, gaps: UInt64 = 0, spoolBytes: UInt64 = 0,
        spoolSegments: UInt64 = 0, trees: [String] = []
    ) {
        self.isWatching = isWatching
        self.since = since
        self.events = events
        self.gaps = gaps
        self.spoolBytes = spoolBytes
        self.spoolSegments = spoolSegments
        self.trees = trees
    }
}

extension DeliveryMessage {
    private enum Kind: UInt8 {
        case hello = 1
        case segment, status, welcome, taken, refused, rescan, load
    }

    /// The whole frame.
    package var encoded: [UInt8] {
        var out = WireWriter()
        switch self {
        case .hello(let version, let boot):
            out.byte(Kind.hello.rawValue)
            out.string(version)
            out.string(boot)
        case .segment(let name, let acceptsHole, let bytes):
            out.byte(Kind.segment.rawValue)
            out.string(name)
            out.boolean(acceptsHole)
            out.data(bytes)
        case .status(let status):
            out.byte(Kind.status.rawValue)
            out.boolean(status.isWatching)
            for number in [
                status.since, status.events, status.gaps, status.spoolBytes, status.spoolSegments,
            ] {
                out.uint64(number)
            }
            out.strings(status.trees)
        case .load(let load):
            out.byte(Kind.load.rawValue)
            load.encode(into: &out)
        case .welcome:
            out.byte(Kind.welcome.rawValue)
        case .taken(let name):
            out.byte(Kind.taken.rawValue)
            out.string(name)
        case .refused(let name, let refusal, let reason):
            out.byte(Kind.refused.rawValue)
            out.string(name)
            out.byte(refusal.rawValue)
            out.string(reason)
        case .rescan(let tree, let isWhole):
            out.byte(Kind.rescan.rawValue)
            out.string(tree)
            out.boolean(isWhole)
        }
        var frame = WireWriter()
        frame.data(out.bytes)
        return frame.bytes
    }

    /// Reads what a frame holds, without its length.
    ///
    /// - Throws: `WireError` for anything but a well-formed message.
    package init(decoding message: [UInt8]) throws(WireError) {
        var input = WireReader(message)
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no delivery message \(type)") }
        switch kind {
        case .hello: self = .hello(version: try input.string(), boot: try input.string())
        case .segment:
            self = .segment(
                name: try input.string(), acceptsHole: try input.boolean(), bytes: try input.data())
        case .status:
            self = .status(
                WatcherStatus(
                    isWatching: try input.boolean(), since: try input.uint64(), events: try input.uint64(),
                    gaps: try input.uint64(), spoolBytes: try input.uint64(),
                    spoolSegments: try input.uint64(), trees: try input.strings(limit: 1_024)))
        case .load: self = .load(try HostLoad(from: &input))
        case .welcome: self = .welcome
        case .taken: self = .taken(name: try input.string())
        case .refused:
            let name = try input.string()
            guard let refusal = DeliveryRefusal(rawValue: try input.byte()) else {
                throw WireError("there is no such refusal")
            }
            self = .refused(name: name, refusal, reason: try input.string())
        case .rescan: self = .rescan(tree: try input.string(), isWhole: try input.boolean())
        }
        try input.finish()
    }
}

/// Finds the frames in a stream of bytes.
package struct DeliveryFrames: Sendable {
    private var pending: [UInt8] = []

    package init() {}

    /// Adds what has come.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        pending += bytes
    }

    /// The next whole message; nil when more must come first.
    ///
    /// - Throws: `WireError` for a frame that is too long or holds no message; the stream is of no use then.
    package mutating func next() throws(WireError) -> DeliveryMessage? {
        guard pending.count >= 4 else { return nil }
        let length = pending.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length <= DeliveryMessage.lengthLimit else {
            throw WireError("a frame of \(length) bytes is too long")
        }
        guard pending.count >= 4 + length else { return nil }
        let message = Array(pending[4..<4 + length])
        pending.removeFirst(4 + length)
        return try DeliveryMessage(decoding: message)
    }
}
