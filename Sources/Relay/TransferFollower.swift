import Control
import FileTransfers
import SSH

/// Notes in the journal what one program of a session does with files, where that can be seen: SFTP and scp.
///
/// It sees bytes before they are passed on, so a file's end is on disk before the client hears of it.
final class TransferFollower {
    private let trail: any TransferTrail
    private let context: LinkContext
    private var isOver = false

    /// Why nothing is noted any more; nil: all is.
    private(set) var failure: String?

    /// - Parameter request: what starts the program.
    /// - Returns: nil for a program of which cannot be seen what it does with files.
    init?(_ request: Channel.Request, context: LinkContext) {
        let wantsDigests = context.grant.wantsFileDigests
        switch request {
        case .subsystem(let name) where name.elementsEqual("sftp".utf8):
            trail = SFTPTrail(wantsDigests: wantsDigests)
        case .exec(let command):
            guard let command = SCPCommand(command) else { return nil }
            trail = SCPTrail(command, wantsDigests: wantsDigests)
        default: return nil
        }
        self.context = context
    }

    /// Whether nothing may pass that is not followed.
    var mustSeeAll: Bool { context.grant.recording.isRequired }

    /// - Returns: whether these bytes may be passed on.
    func take(_ bytes: ArraySlice<UInt8>, from peer: TransferPeer) -> Bool {
        if !isOver {
            note(trail.take(bytes, from: peer))
            if let trouble = trail.trouble { giveUp(trouble) }
        }
        return !context.journal.hasFailed && (failure == nil || !mustSeeAll)
    }

    /// Notes what was under way, after what came from the host and was not passed on.
    func end(with host: Channel) {
        guard !isOver else { return }
        var buffer = [UInt8](repeating: 0, count: 32 * 1_024)
        while host.buffered(.standard) > 0 {
            let count = host.read(.standard, into: &buffer, limit: buffer.count)
            guard count > 0 else { break }
            _ = take(buffer[..<count], from: .host)
        }
        guard !isOver else { return }
        note(trail.end())
        isOver = true
    }

    private func note(_ operations: [FileOperation]) {
        for operation in operations where !isOver {
            if !context.journal.append(operation) {
                giveUp("more files were transferred in this session than its journal has room for")
            }
        }
    }

    private func giveUp(_ reason: String) {
        guard !isOver else { return }
        isOver = true
        failure = reason
        context.journal.append(.filesUnfollowed(reason: reason))
    }
}
