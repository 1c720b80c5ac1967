package import FileTransfers
package import Support

/// One record of a session's journal.
///
/// Each session process has a journal: a file the daemon opened for it (append only, bounded by RLIMIT_FSIZE), in which it notes what
/// happens before it goes on. So nothing is lost while the daemon is away: it reads the journal when told that it grew, when
/// the session ends, and after its own restart. The session's lock on the file tells whether it still lives.
///
/// On disk: `uint32` length of what follows, `uint64` milliseconds since the epoch, a type byte, fields.
package enum JournalRecord: Equatable, Sendable {
    /// A channel was opened: `session`, `direct-tcpip`, … and what it leads to.
    case channelOpened(kind: String, detail: String)

    /// Something was refused, and why.
    case refused(what: String, reason: String)

    /// How many bytes have passed so far; the last one counts.
    case traffic(fromClient: UInt64, toClient: UInt64)

    /// A program on the host ended: exec, shell or subsystem and its status, or the signal's name.
    case programEnded(kind: String, status: Int32?, signal: String?)

    /// The session is over.
    case ended(reason: String)

    /// A channel that `channelOpened` or the daemon told of was closed: what passed through it, and how long it was open.
    ///
    /// A jump's detail is the place that the daemon said with `joined`.
    case channelClosed(
        kind: String, detail: String, fromClient: UInt64, toClient: UInt64, milliseconds: UInt64)

    /// What became of a file in a transfer.
    case fileOperation(FileOperation)

    /// Transfers of the session are not followed any more, and why.
    case filesUnfollowed(reason: String)
}

extension JournalRecord {
    /// No record is longer, in bytes after the length.
    package static let lengthLimit = 16 * 1024

    /// The last millisecond of the year 9999.
    private static let timeLimit: UInt64 = 253_402_300_799_999

    private enum Kind: UInt8 {
        case channelOpened = 1
        case refused, traffic, programEnded, ended, channelClosed, fileOperation, filesUnfollowed
    }

    /// The bytes to append, at the moment `time`. Texts are cut so that the record stays below `lengthLimit`.
    package func encoded(at time: Timestamp) -> [UInt8] {
        func cut(_ text: String) -> String { String(decoding: text.utf8.prefix(4_096), as: UTF8.self) }
        var body = WireWriter()
        body.uint64(min(UInt64(max(0, time.milliseconds)), Self.timeLimit))
        switch self {
        case .channelOpened(let kind, let detail):
            body.byte(Kind.channelOpened.rawValue)
            body.string(cut(kind))
            body.string(cut(detail))
        case .refused(let what, let reason):
            body.byte(Kind.refused.rawValue)
            body.string(cut(what))
            body.string(cut(reason))
        case .traffic(let fromClient, let toClient):
            body.byte(Kind.traffic.rawValue)
            body.uint64(fromClient)
            body.uint64(toClient)
        case .programEnded(let kind, let status, let signal):
            body.byte(Kind.programEnded.rawValue)
            body.string(cut(kind))
            body.boolean(status != nil)
            body.uint32(UInt32(bitPattern: status ?? 0))
            body.boolean(signal != nil)
            body.string(cut(signal ?? ""))
        case .ended(let reason):
            body.byte(Kind.ended.rawValue)
            body.string(cut(reason))
        case .channelClosed(let kind, let detail, let fromClient, let toClient, let milliseconds):
            body.byte(Kind.channelClosed.rawValue)
            body.string(cut(kind))
            body.string(cut(detail))
            body.uint64(fromClient)
            body.uint64(toClient)
            body.uint64(milliseconds)
        case .fileOperation(let operation):
            body.byte(Kind.fileOperation.rawValue)
            operation.encode(into: &body)
        case .filesUnfollowed(let reason):
            body.byte(Kind.filesUnfollowed.rawValue)
            body.string(cut(reason))
        }
        var record = WireWriter()
        record.data(body.bytes)
        return record.bytes
    }

    /// Reads the records at the start of `bytes`, which may end within one.
    ///
    /// - Returns: the records with their times, and how many bytes they took.
    /// - Throws: `WireError` for a record that cannot be one.
    package static func decode(
        _ bytes: [UInt8]
    ) throws(WireError) -> (records: [(time: Timestamp, record: JournalRecord)], consumed: Int) {
        var records: [(time: Timestamp, record: JournalRecord)] = []
        var input = WireReader(bytes)
        var consumed = 0
        while input.remaining >= 4 {
            let length = Int(try input.uint32())
            guard length <= lengthLimit else { throw WireError("a journal record of \(length) bytes") }
            guard input.remaining >= length else { break }
            records.append(try decodeBody(Array(try input.raw(length))))
            consumed += 4 + length
        }
        return (records, consumed)
    }

    private static func decodeBody(_ bytes: [UInt8]) throws(WireError) -> (
        time: Timestamp, record: JournalRecord
    ) {
        var input = WireReader(bytes)
        let milliseconds = try input.uint64()
        guard milliseconds <= timeLimit else { throw WireError("a journal record from beyond the year 9999") }
        let time = Timestamp(milliseconds: Int64(milliseconds))
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no journal record \(type)") }
        let record: JournalRecord
        switch kind {
        case .channelOpened: record = .channelOpened(kind: try input.string(), detail: try input.string())
        case .refused: record = .refused(what: try input.string(), reason: try input.string())
        case .traffic: record = .traffic(fromClient: try input.uint64(), toClient: try input.uint64())
        case .programEnded:
            let kind = try input.string()
            let hasStatus = try input.boolean()
            let status = Int32(bitPattern: try input.uint32())
            let hasSignal = try input.boolean()
            let signal = try input.string()
            record = .programEnded(
                kind: kind, status: hasStatus ? status : nil, signal: hasSignal ? signal : nil)
        case .ended: record = .ended(reason: try input.string())
        case .channelClosed:
            record = .channelClosed(
                kind: try input.string(), detail: try input.string(), fromClient: try input.uint64(),
                toClient: try input.uint64(), milliseconds: try input.uint64())
        case .fileOperation: record = .fileOperation(try FileOperation(from: &input))
        case .filesUnfollowed: record = .filesUnfollowed(reason: try input.string())
        }
        try input.finish()
        return (time, record)
    }
}
