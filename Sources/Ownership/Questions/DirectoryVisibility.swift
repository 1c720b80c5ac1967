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
        // Up to what is known, and down again: users make directories deeper than a thread's stack.
        var way: [DirectoryRow] = []
        var next = id
        var answer = id != 0
        while next != 0 {
            if let isPassable = known[next] {
                answer = isPassable
                break
            }
            guard way.count <= 65_536, let row = try book.directory(next), row.gone == nil else {
                answer = false
                break
            }
            way.append(row)
            next = row.parent
        }
        for row in way.reversed() {
            answer = try answer && Visibility.mayKnow(of: [book.permissions(of: row)], viewer)
            known[row.id] = answer
        }
        return answer
    }

    /// Whether the viewer may know of all names in a directory.
    func mayList(_ id: DirectoryID) throws -> Bool {
        if viewer == .everything { return true }
        guard try mayPass(id), let row = try book.directory(id) else { return false }
        return Visibility.mayList([try book.permissions(of: row)], viewer)
    }
}
