import Ownership

/// A change, worked out from two listings in another way than the book's.
struct ExpectedChange: Hashable {
    var kind: Change.Kind
    /// The directory's inode, since its path may have changed.
    var directory: UInt64
    var name: [UInt8]

    private struct Place: Hashable {
        var directory: UInt64
        var name: [UInt8]
    }

    static func between(_ old: [[UInt8]: Found], _ new: [[UInt8]: Found]) -> Set<ExpectedChange> {
        let (before, after) = (places(old), places(new))
        var changes: Set<ExpectedChange> = []
        func note(_ kind: Change.Kind, _ place: Place) {
            changes.insert(ExpectedChange(kind: kind, directory: place.directory, name: place.name))
        }
        var gone: [Place: Found] = [:]
        var came: [Place: Found] = [:]
        for (place, file) in before {
            guard let now = after[place], now.inode == file.inode, (now.mode ^ file.mode) & 0o170000 == 0
            else {
                gone[place] = file
                continue
            }
            for kind in differences(file, now) { note(kind, place) }
        }
        for (place, file) in after {
            if let was = before[place], was.inode == file.inode, (was.mode ^ file.mode) & 0o170000 == 0 {
                continue
            }
            came[place] = file
        }
        for (place, file) in came {
            let origin = gone.first { other in
                guard other.value.inode == file.inode, (other.value.mode ^ file.mode) & 0o170000 == 0 else {
                    return false
                }
                return file.isDirectory
                    || (other.value.size == file.size && other.value.modified == file.modified)
            }
            guard let origin else {
                note(.created, place)
                continue
            }
            gone[origin.key] = nil
            note(.renamed, place)
            if origin.value.uid != file.uid || origin.value.gid != file.gid { note(.ownerChanged, place) }
            if origin.value.mode != file.mode { note(.modeChanged, place) }
        }
        for place in gone.keys { note(.deleted, place) }
        return changes
    }

    private static func differences(_ old: Found, _ new: Found) -> [Change.Kind] {
        var kinds: [Change.Kind] = []
        if old.uid != new.uid || old.gid != new.gid { kinds.append(.ownerChanged) }
        if old.mode != new.mode { kinds.append(.modeChanged) }
        if new.isDirectory { return kinds }
        if old.size != new.size || old.modified != new.modified { kinds.append(.modified) }
        return kinds.isEmpty && old.changed != new.changed ? [.touched] : kinds
    }

    private static func places(_ listing: [[UInt8]: Found]) -> [Place: Found] {
        var places: [Place: Found] = [:]
        for (path, file) in listing where !path.isEmpty {
            let (directory, name) = Book.split(path)
            places[Place(directory: listing[directory]?.inode ?? 0, name: name)] = file
        }
        return places
    }
}
