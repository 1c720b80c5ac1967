internal import FileEvents

/// A look at a part of a tree: what new states of directories are seen by.
package struct Look: Sendable {
    package var tree: TreeID
    /// The scan that looks; nil: an event.
    package var scan: Int64?
    /// The row of the event that made us look.
    package var event: Int64?
    /// Whether differences are kept. A first scan keeps none: everything would be new.
    package var recordsChanges: Bool
    /// Since when what is found may have been so, in microseconds since 1970, where nothing better is known.
    package var since: Int64
    /// Whether a directory with the inode of another one is that one in another place.
    package var followsMoves: Bool
    /// The present, in microseconds since 1970: an inode that changed later than that has a time that says nothing.
    package var now: Int64

    package init(
        tree: TreeID, scan: Int64? = nil, event: Int64? = nil, recordsChanges: Bool = true, since: Int64 = 0,
        followsMoves: Bool = true, now: Int64 = Book.now
    ) {
        self.tree = tree
        self.scan = scan
        self.event = event
        self.recordsChanges = recordsChanges
        self.since = since
        self.followsMoves = followsMoves
        self.now = now
    }

    /// Whether the time of an inode's last change can be true.
    func believes(_ stat: FileStat) -> Bool { stat.changed / 1_000 <= now }
}
