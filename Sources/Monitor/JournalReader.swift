package import Audit
import Control
import Support

/// Takes the journal of a session into the event log, piece by piece, each record exactly once.
///
/// The session's process wrote every byte of it, and it talks to the client: what cannot be is an error, never a trap.
package struct JournalReader: Sendable {
    /// Bytes read at once; many records fit, and one always does.
    private static let pieceLimit = 256 * 1_024
    /// The kind of channel that a jump is.
    private static let jump = "jump"

    private let journal: JournalFile
    private var offset: Int64 = 0

    /// What the session said of its end, if it did.
    package private(set) var endReason: String?

    package init(_ journal: JournalFile) {
        self.journal = journal
    }

    /// Takes in what is new; a record that is not complete yet waits.
    ///
    /// - Parameter host: where the session leads, for its events.
    /// - Returns: the hosts of the jumps that are over, once for each.
    /// - Throws: `WireError` for a damaged journal, `AuditError`, `SystemError`.
    @discardableResult
    package mutating func ingest(into log: EventLog, host: String?) throws -> [String] {
        let name = journal.session.description
        guard let session = try log.session(name) else {
            throw AuditError(.notFound, "there is no session \(name)")
        }
        var hosts: [String] = []
        while true {
            let bytes = try journal.read(from: offset, limit: Self.pieceLimit)
            let isOld = offset < session.journalOffset
            // A piece of what was read before ends where that reading did.
            let piece = isOld ? Array(bytes.prefix(Int(clamping: session.journalOffset - offset))) : bytes
            let (records, consumed) = try JournalRecord.decode(piece)
            guard consumed > 0 else { return hosts }
            let end = offset + Int64(consumed)
            let digest = digest(records, session: session, host: host)
            if !isOld {
                try log.ingest(
                    session: name, from: offset, to: end, events: digest.events, digest.update)
            }
            endReason = digest.endReason ?? endReason
            for case .channelClosed(Self.jump, let place, _, _, _) in records.map(\.record) {
                hosts.append(String(place.prefix { $0 != ":" }))
            }
            offset = end
        }
    }

    private func digest(
        _ records: [(time: Timestamp, record: JournalRecord)], session: Session, host: String?
    ) -> (events: [Event], update: SessionUpdate, endReason: String?) {
        var events: [Event] = []
        var update = SessionUpdate()
        var endReason: String?
        let now = Timestamp.now
        func note(_ kind: EventKind, _ time: Timestamp, _ detail: [String: String]) {
            // The session's clock is believed within its own life only.
            let time = min(max(time, session.started), max(now, session.started))
            events.append(
                Event(
                    kind, at: time, session: session.id, user: session.user, host: host ?? session.host,
                    address: session.clientAddress, detail: detail))
        }
        for (time, record) in records {
            switch record {
            case .channelOpened(let kind, let detail):
                note(.channelOpened, time, ["kind": kind, "detail": detail])
            case .refused(let what, let reason):
                note(.refused, time, ["what": what, "reason": reason])
            case .traffic(let fromClient, let toClient):
                update.bytesFromClient = fromClient
                update.bytesToClient = toClient
            case .programEnded(_, let status, let signal):
                update.exitStatus = status
                update.exitSignal = signal
            case .ended(let reason):
                endReason = reason
            case .channelClosed(let kind, let detail, let fromClient, let toClient, let milliseconds):
                note(
                    .channelClosed, time,
                    [
                        "kind": kind, "detail": detail, "bytes_from_client": String(fromClient),
                        "bytes_to_client": String(toClient), "seconds": String(milliseconds / 1_000),
                    ])
            case .fileOperation(let operation): note(.fileOperation, time, operation.detail)
            case .filesUnfollowed(let reason): note(.filesUnfollowed, time, ["reason": reason])
            }
        }
        return (events, update, endReason)
    }
}
