package import Accounts
package import Directory
internal import FoundationEssentials
package import Support

/// Makes shared folders, shares and transfers on hosts. Any thread may call it; calls block on the host.
package struct SharingService: Sendable {
    let directory: DirectoryStore
    let ledger: SharingLedger
    let executor: any HostExecutor

    package init(directory: DirectoryStore, ledger: SharingLedger, executor: any HostExecutor) {
        self.directory = directory
        self.ledger = ledger
        self.executor = executor
    }

    // MARK: Trees

    /// What became of a tree on one host.
    package struct TreeOutcome: Equatable, Sendable {
        package let changed: Bool
        /// It was not there before.
        package let made: Bool
        package let remarks: [String]
    }

    /// Makes the tree's folder on a host so that its group works together in it; what is as it should be stays untouched.
    ///
    /// - Parameter adopts: a folder that is there and belongs to another group becomes this tree's group's.
    /// - Throws: `StepError`, with `.conflict` for what stands in the way; what the executor throws.
    package func make(_ tree: Tree, on name: String, adopts: Bool) throws -> TreeOutcome {
        let report: FileWork.TreeReport = try FileWork.run(
            FileWork.WantedTree(
                path: Data(tree.path.utf8), gid: tree.group?.gid, create: tree.group != nil, adopt: adopts),
            on: try directory.host(name), by: executor)
        return TreeOutcome(
            changed: report.changed, made: report.made ?? false, remarks: report.remarks.map(\.printable))
    }

    // MARK: Shares

    /// Shares what is at a path, for somebody who owns it or for an administrator.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - caller: who asks; nil: an administrator, who may share everything.
    ///   - creator: how the caller is called.
    /// - Throws: `StepError` `.conflict` with the reason when it may not be or is of no use; nothing is shared then.
    package func share(
        _ path: String, with grantee: Grantee, writes: Bool, until: Timestamp?, caller: User?,
        creator: String, at time: Timestamp = .now
    ) throws -> ShareOutcome {
        let place = try locate(path)
        let wanted = FileWork.WantedShare(
            tree: Data(place.tree.path.utf8), path: Data(place.relative), caller: caller?.uid,
            grantee: try identity(of: grantee), write: writes)
        let (report, host): (FileWork.ShareReport, String) = try onAnyHost(of: place.tree) {
            try FileWork.run(wanted, on: $0, by: executor)
        }
        let share = try ledger.keep(
            Share(
                id: 0, tree: place.tree.path, path: place.relative, inode: report.inode, owner: report.owner,
                grantee: grantee, writes: writes, until: until, created: time, creator: creator))
        return ShareOutcome(
            share: share, host: host, reads: report.reads, writes: report.writes, count: report.count,
            others: report.others ?? 0, unreached: report.unreached ?? 0)
    }

    /// Ends a share, wherever what was shared lies now.
    ///
    /// - Returns: false when what was shared is not there any more.
    /// - Throws: `StepError`; what the executor throws.
    @discardableResult
    package func unshare(_ share: Share, at time: Timestamp = .now) throws -> Bool {
        let report: FileWork.UnshareReport = try onAnyHost(of: try directory.tree(share.tree)) {
            try FileWork.run(
                FileWork.WantedUnshare(
                    tree: Data(share.tree.utf8), path: Data(share.path), inode: share.inode,
                    grantee: try identity(of: share.grantee)),
                on: $0, by: executor)
        }.0
        try ledger.end(share.id, at: time)
        return report.gone != true
    }

    private func identity(of grantee: Grantee) throws -> FileWork.WantedGrantee {
        let names: [String]
        switch grantee {
        case .user(_, let name): names = [name]
        // Of a group that was removed nobody is left.
        case .group(_, let name): names = (try? directory.members(of: name)) ?? []
        }
        let people = try names.map { name in
            let user = try directory.user(name)
            return FileWork.WantedGrantee.Person(
                uid: user.uid, groups: [user.gid] + (try directory.groups(of: name).map(\.gid)))
        }
        return FileWork.WantedGrantee(
            kind: grantee.isGroup ? "group" : "user", id: grantee.number, people: people)
    }

    // MARK: Places

    /// The tree that a path lies in, and the rest of the path.
    func locate(_ path: String) throws -> (tree: Tree, relative: [UInt8]) {
        let plain = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard plain.hasPrefix("/"), !plain.utf8.contains(0) else {
            throw DirectoryError(
                .invalidField, "'\(path.printable)' is not an absolute path", hint: "begin it with /")
        }
        guard let tree = try directory.tree(holding: plain) else {
            throw DirectoryError(
                .notFound, "'\(path.printable)' lies in no tree", hint: "see 'gatehouse tree list'")
        }
        return (tree, Array(plain.utf8.dropFirst(tree.path.utf8.count + 1)))
    }

    /// Does it on the host that walks the tree or, when that cannot be reached, on another that has it. What may have begun
    /// on one host is not done on another.
    func onAnyHost<Report>(of tree: Tree, _ body: (Host) throws -> Report) throws -> (Report, String) {
        let names = [tree.scanner].compactMap(\.self) + tree.hosts.filter { $0 != tree.scanner }
        var failure: (any Error)?
        for name in names {
            do {
                return (try body(try directory.host(name)), name)
            } catch let error as StepError {
                throw error
            } catch let error as AccountError {
                throw error
            } catch {
                failure = failure ?? error
            }
        }
        throw failure
            ?? DirectoryError(
                .notFound, "no host has the tree '\(tree.path)'", hint: "see 'gatehouse tree set'")
    }
}
