internal import FileEvents
internal import SQLite

extension Book {
    /// What a uid owns, by tree and place: the tree's path and the path below it. Only directories with something of that uid are opened.
    package func owned(by uid: UInt32) throws -> [(tree: [UInt8], path: [UInt8])] {
        let places = try database.rows(
            """
            SELECT d.id, t.path FROM own o JOIN directory d ON d.id = o.directory JOIN tree t ON t.id = d.tree
            WHERE o.uid = ?1 AND d.gone IS NULL ORDER BY t.path, d.id
            """, [uid]
        ) { (directory: $0.integer(0), tree: $0.blob(1)) }
        var list: [(tree: [UInt8], path: [UInt8])] = []
        for place in places {
            let folder = try path(of: place.directory).path
            for entry in try entries(of: place.directory) where entry.stat.uid == uid {
                list.append((place.tree, folder.isEmpty ? entry.name : folder + [0x2F] + entry.name))
            }
        }
        return list
    }
}
