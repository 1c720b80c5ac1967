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

    func take(_ bytes: ArraySlice<UInt8>, from peer: TransferPeer) {
        guard !isOver else { return }
        note(trail.take(bytes, from: peer))
        if let trouble = trail.trouble { giveUp(trouble) }
    }

    /// Notes what was under way.
    func end() {
        guard !isOver else { return }
        note(trail.end())
        isOver = true
    }

    private func note(_ operations: [FileOperation]) {
        for operation in operations {
            guard context.journal.append(operation) else {
                return giveUp("more files were transferred in this session than its journal has room for")
            }
        }
    }

    private func giveUp(_ reason: String) {
        isOver = true
        failure = reason
        context.journal.append(.filesUnfollowed(reason: reason))
    }
}
