internal import Accounts
package import Directory
internal import FoundationEssentials
package import Support

/// A file that is to change hands.
package struct TransferItem: Hashable, Sendable {
    /// The tree's path.
    package let tree: String
    /// Below the tree; any bytes but zero.
    package let path: [UInt8]

    package init(tree: String, path: [UInt8]) {
        self.tree = tree
        self.path = path
    }

    /// The whole path, for people.
    package var shownPath: String {
        path.isEmpty ? tree : tree + "/" + String(decoding: path, as: UTF8.self)
    }
}

/// What came of a transfer, or of its undoing.
package struct TransferOutcome: Equatable, Sendable {
    /// The transfer, to undo it by; nil: nothing changed hands.
    package let id: Int64?
    package let count: Int
    /// What stayed, and why; the paths are whole, for people.
    package let left: [(path: String, why: String)]

    package static func == (one: Self, other: Self) -> Bool {
        one.id == other.id && one.count == other.count && one.left.map(\.path) == other.left.map(\.path)
    }
}

extension SharingService {
    /// Files in one run of the step.
    private static let batchSize = 5_000

    /// Makes files of one person another's: each one only if it still belongs to the first, and is noted before it does.
    ///
    /// - Throws: `StepError`; what the executor throws. What was done until then is in the transfer, and can be undone.
    package func transfer(
        _ items: [TransferItem], from source: User, to recipient: User, creator: String,
        at time: Timestamp = .now
    ) throws -> TransferOutcome {
        var id: Int64?
        var count = 0
        var left: [(path: String, why: String)] = []
        for (tree, batch) in try batches(of: items) {
            let wanted = batch.map { FileWork.WantedTransfer.Item(path: Data($0.path)) }
            let look = try run(wanted, in: tree, from: source.uid, to: recipient.uid, isRehearsal: true)
            var files: [TransferredFile] = []
            for (item, answer) in zip(batch, look) {
                if let gid = answer.gid, let inode = answer.inode {
                    files.append(
                        TransferredFile(tree: tree.path, path: item.path, inode: inode, gid: gid))
                } else {
                    left.append((Self.shown(item), (answer.why ?? "").printable))
                }
            }
            guard !files.isEmpty else { continue }
            let transfer =
                try id
                ?? ledger.beginTransfer(from: source.uid, to: recipient.uid, by: creator, at: time)
            id = transfer
            try ledger.note(files, in: transfer)
            let done = try undoable(transfer) {
                try run(
                    files.map { FileWork.WantedTransfer.Item(path: Data($0.path), inode: $0.inode) },
                    in: tree, from: source.uid, to: recipient.uid, isRehearsal: false)
            }
            for (file, answer) in zip(files, done) {
                if answer.gid != nil {
                    count += 1
                } else {
                    left.append(
                        (
                            Self.shown(TransferItem(tree: tree.path, path: file.path)),
                            (answer.why ?? "").printable
                        ))
                }
            }
        }
        return TransferOutcome(id: count > 0 ? id : nil, count: count, left: left)
    }

    /// Gives the files of a transfer back, with their old groups: those that are still the same files and still belong to whom they were
    /// given.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.conflict` when it was undone before; as `transfer`.
    package func undoTransfer(_ id: Int64, at time: Timestamp = .now) throws -> TransferOutcome {
        guard let transfer = try ledger.transfer(id) else {
            throw DirectoryError(
                .notFound, "there is no transfer \(id)", hint: "see 'gatehouse event list'")
        }
        if let undone = transfer.undone {
            throw DirectoryError(.conflict, "transfer \(id) was undone at \(undone)")
        }
        let files = try ledger.files(of: id)
        var count = 0
        var left: [(path: String, why: String)] = []
        let known = Dictionary(
            files.map { (TransferItem(tree: $0.tree, path: $0.path), $0) },
            uniquingKeysWith: { one, _ in one })
        for (tree, batch) in try batches(of: files.map { TransferItem(tree: $0.tree, path: $0.path) }) {
            let wanted = batch.map {
                FileWork.WantedTransfer.Item(
                    path: Data($0.path), inode: known[$0]?.inode, gid: known[$0]?.gid)
            }
            let done = try run(
                wanted, in: tree, from: transfer.recipient, to: transfer.source, isRehearsal: false)
            for (item, answer) in zip(batch, done) {
                if answer.gid != nil {
                    count += 1
                } else {
                    left.append((Self.shown(item), (answer.why ?? "").printable))
                }
            }
        }
        try ledger.endTransfer(id, undoneAt: time)
        return TransferOutcome(id: id, count: count, left: left)
    }

    /// Says of a failure half-way how to take back what was done until then.
    private func undoable<Report>(_ transfer: Int64, _ body: () throws -> Report) throws -> Report {
        let hint = "'gatehouse file transfer --undo \(transfer)' gives back what has changed hands"
        do {
            return try body()
        } catch let error as AccountError {
            throw AccountError(error.code, error.detail, hint: hint)
        } catch let error as StepError {
            throw StepError(error.code, error.detail, hint: hint)
        }
    }

    private func run(
        _ items: [FileWork.WantedTransfer.Item], in tree: Tree, from source: UInt32, to recipient: UInt32,
        isRehearsal: Bool
    ) throws -> [FileWork.TransferReport.Item] {
        let report: FileWork.TransferReport = try onAnyHost(of: tree) {
            try FileWork.run(
                FileWork.WantedTransfer(
                    rehearsal: isRehearsal, tree: Data(tree.path.utf8), from: source, to: recipient,
                    fromGroup: source, toGroup: recipient, items: items),
                on: $0, by: executor)
        }.0
        return report.items
    }

    /// By tree, and in pieces that one run takes; files with several names stay together as long as a tree is one piece.
    private func batches(of items: [TransferItem]) throws -> [(Tree, [TransferItem])] {
        var list: [(Tree, [TransferItem])] = []
        for (path, items) in Dictionary(grouping: items, by: \.tree).sorted(by: { $0.key < $1.key }) {
            let tree = try directory.tree(path)
            var rest = items[...]
            while !rest.isEmpty {
                list.append((tree, Array(rest.prefix(Self.batchSize))))
                rest = rest.dropFirst(Self.batchSize)
            }
        }
        return list
    }

    private static func shown(_ item: TransferItem) -> String {
        item.shownPath.printable
    }
}
