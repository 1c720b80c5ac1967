/// What a viewer may know of the book's directories; remembers its answers.
final class DirectoryVisibility {
    private let book: Book
    private let viewer: Viewer
    private var known: [DirectoryID: Bool] = [:]

    init(_ book: Book, _ viewer: Viewer) {
        self.book = book
        self.viewer = viewer
    }

    /// Whether the viewer may pass into a directory that is there.
    func mayPass(_ id: DirectoryID) throws -> Bool {
        if viewer == .everything { return true }
        if let answer = known[id] { return answer }
        var answer = false
        if let row = try book.directory(id), row.gone == nil {
            answer =
                try (row.parent == 0 || mayPass(row.parent))
                && Visibility.mayKnow(of: [book.permissions(of: row)], viewer)
        }
        known[id] = answer
        return answer
    }

    /// Whether the viewer may know of all names in a directory.
    func mayList(_ id: DirectoryID) throws -> Bool {
        if viewer == .everything { return true }
        guard try mayPass(id), let row = try book.directory(id) else { return false }
        return Visibility.mayList([try book.permissions(of: row)], viewer)
    }
}
