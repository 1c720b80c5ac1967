import FileEvents
internal import SQLite

extension Book {
    /// What people may know of a difference between scans.
    func moment(of recorded: RecordedChange, in tree: Tree) throws -> FileMoment {
        let change = recorded.change
        var place = try path(of: change.directory).path.appending(name: change.name)
        var newPath: [UInt8]?
        if let origin = change.origin {
            newPath = place
            place = try path(of: origin.directory).path.appending(name: origin.name)
        }
        return FileMoment(
            kind: FileMoment.Kind(change.kind), basis: .scanDiff, time: recorded.until,
            earliest: recorded.since, tree: tree.path, path: place, newPath: newPath,
            before: change.old.map(FileMoment.Attributes.init),
            after: change.new.map(FileMoment.Attributes.init), size: change.new?.size, count: 1)
    }
}
