internal import FileEvents
internal import SQLite

/// Sums up the entries of a directory by owner.
struct ShareCounter {
    private(set) var shares: [OwnerShare] = []
    private var indices: [UInt64: Int] = [:]
    private var last = 0

    mutating func count(_ stat: FileStat) {
        if last >= shares.count || shares[last].uid != stat.uid || shares[last].gid != stat.gid {
            let key = UInt64(stat.uid) << 32 | UInt64(stat.gid)
            if let known = indices[key] {
                last = known
            } else {
                last = shares.count
                indices[key] = last
                shares.append(OwnerShare(uid: stat.uid, gid: stat.gid))
            }
        }
        shares[last].count(stat)
    }
}

/// The sums that the book keeps up to date: by person and directory, by tree, and below each directory.
extension Book {
    /// Counts a directory's new contents instead of the old.
    func count(
        _ packed: PackedDirectory, minus oldShares: [OwnerShare], minusLinked oldLinked: [LinkedFile],
        id: DirectoryID, tree: TreeID
    ) throws {
        for share in packed.shares {
            add(Figures(share), to: TotalKey(tree: tree, uid: share.uid, gid: share.gid))
        }
        for share in oldShares {
            add(Figures() - Figures(share), to: TotalKey(tree: tree, uid: share.uid, gid: share.gid))
        }
        if !oldLinked.isEmpty || !packed.linked.isEmpty {
            try countLinks(oldLinked, packed.linked, tree: tree)
        }
        if oldShares.isEmpty, packed.shares.count == 1 {
            let share = packed.shares[0]
            ownRows.append(OwnRow(uid: share.uid, directory: id, share: share))
            return
        }
        var byUID: [UInt32: OwnerShare] = [:]
        for share in oldShares { byUID[share.uid] = OwnerShare(uid: share.uid, gid: 0) }
        for share in packed.shares {
            byUID[share.uid, default: OwnerShare(uid: share.uid, gid: 0)].add(share)
        }
        for (uid, share) in byUID { ownRows.append(OwnRow(uid: uid, directory: id, share: share)) }
    }

    private func add(_ figures: Figures, to key: TotalKey) {
        totals[key] = totals[key, default: Figures()] + figures
    }

    /// Keeps the bytes of a file with many names in the totals once: `count` has counted each name.
    private func countLinks(_ old: [LinkedFile], _ new: [LinkedFile], tree: TreeID) throws {
        var balance: [LinkedFile: Int] = [:]
        for file in new { balance[file, default: 0] += 1 }
        for file in old { balance[file, default: 0] -= 1 }
        // First what is there now, so that a file that only changed never seems to be gone.
        for (file, names) in balance.sorted(by: { $0.value > $1.value }) where names != 0 {
            let key = TotalKey(tree: tree, uid: file.uid, gid: file.gid)
            let counted = Figures(
                bytes: Int64(names) &* Int64(clamping: file.size),
                blocks: Int64(names) &* Int64(clamping: file.blocks))
            add(Figures() - counted, to: key)
            try changeLinks(file, by: Int64(names), tree: tree)
        }
    }

    private func changeLinks(_ file: LinkedFile, by names: Int64, tree: TreeID) throws {
        let inode = Int64(bitPattern: file.inode)
        let known = try database.first(
            "SELECT names, uid, gid, size, blocks FROM linked WHERE tree = ?1 AND inode = ?2", [tree, inode]
        ) {
            (
                names: $0.integer(0), uid: $0.number(1), gid: $0.number(2), size: $0.integer(3),
                blocks: $0.integer(4)
            )
        }
        if let known {
            add(
                Figures(bytes: 0 &- known.size, blocks: 0 &- known.blocks),
                to: TotalKey(tree: tree, uid: known.uid, gid: known.gid))
        }
        let count = (known?.names ?? 0) + names
        guard count > 0 else {
            try database.run("DELETE FROM linked WHERE tree = ?1 AND inode = ?2", tree, inode)
            return
        }
        // What a name that goes says is older than what those say that stay.
        var uid = file.uid, gid = file.gid
        var size = Int64(clamping: file.size), blocks = Int64(clamping: file.blocks)
        if names < 0, let known {
            (uid, gid, size, blocks) = (known.uid, known.gid, known.size, known.blocks)
        }
        try database.run(
            "INSERT OR REPLACE INTO linked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", tree, inode, count, uid, gid,
            size, blocks)
        add(Figures(bytes: size, blocks: blocks), to: TotalKey(tree: tree, uid: uid, gid: gid))
    }

    // MARK: At the end of a transaction

    func flushOwnRows() throws {
        let put = try database.prepare(
            "INSERT OR REPLACE INTO own VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
        let remove = try database.prepare("DELETE FROM own WHERE uid = ?1 AND directory = ?2")
        // In the order of the table; of several for one row the last counts.
        let order = ownRows.indices.sorted {
            let (left, right) = (ownRows[$0], ownRows[$1])
            return (left.uid, left.directory, $0) < (right.uid, right.directory, $1)
        }
        for index in order {
            let row = ownRows[index]
            let share = row.share
            guard share.files != 0 || share.directories != 0 else {
                try remove.set(1, Int64(row.uid))
                try remove.set(2, row.directory)
                try remove.run()
                continue
            }
            try put.set(1, Int64(row.uid))
            try put.set(2, row.directory)
            try put.set(3, share.files)
            try put.set(4, share.directories)
            try put.set(5, share.bytes)
            try put.set(6, share.blocks)
            if share.files == 0 {
                try put.setNull(7)
                try put.setNull(8)
            } else {
                try put.set(7, share.oldest)
                try put.set(8, share.newest)
            }
            try put.set(9, share.biggest)
            try put.run()
        }
        ownRows.removeAll(keepingCapacity: true)
    }

    func flushBeneath() throws {
        let place = try database.prepare("SELECT parent, gone FROM directory WHERE id = ?1")
        let add = try database.prepare(
            """
            INSERT INTO beneath VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET
                files = files + excluded.files, directories = directories + excluded.directories,
                bytes = bytes + excluded.bytes, blocks = blocks + excluded.blocks
            """)
        var pending = beneath
        beneath = [:]
        // One level of the tree after the other, so that what meets in a directory goes on as one sum.
        var level = 0
        while !pending.isEmpty {
            var above: [DirectoryID: Figures] = [:]
            for (id, figures) in pending where !figures.isZero {
                try place.set(1, id)
                guard let (next, gone) = try place.first({ ($0.integer(0), $0.integer(1)) }), gone <= 0 else {
                    continue
                }
                // What is gone from its place no longer counts above it.
                if next != 0, gone == 0 { above[next] = above[next, default: Figures()] + figures }
                try add.set(1, id)
                try add.set(2, figures.files)
                try add.set(3, figures.directories)
                try add.set(4, figures.bytes)
                try add.set(5, figures.blocks)
                try add.run()
            }
            pending = above
            level += 1
            guard level <= 65_536 else { throw BookError(.corrupt, "a directory is in itself") }
        }
    }

    func flushTotals() throws {
        for (key, figures) in totals where !figures.isZero {
            try database.run(
                """
                INSERT INTO total VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET
                    files = files + excluded.files, directories = directories + excluded.directories,
                    bytes = bytes + excluded.bytes, blocks = blocks + excluded.blocks
                """, key.tree, key.uid, key.gid, figures.files, figures.directories, figures.bytes,
                figures.blocks)
        }
        if !totals.isEmpty {
            try database.run("DELETE FROM total WHERE files = 0 AND directories = 0")
        }
        totals = [:]
    }
}
