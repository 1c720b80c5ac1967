package import Support

extension DirectoryStore {
    /// The whole directory as JSON, also users who have left, removed groups and how far numbers were given out.
    package func exportJSON() throws -> [UInt8] {
        try read { try $0.exported() }.encoded()
    }

    /// Takes in what `exportJSON` gave, or a document written by hand: all of it or nothing.
    ///
    /// An empty directory becomes the same as the exported one. One with contents gets what it has not; what it has must
    /// agree, except that grants are compared without their ids and times of creation do not matter.
    /// - Parameter checkKey: throws for a key whose parts do not belong together; called before anything is locked.
    /// - Throws: `DirectoryError` with the code of the rule and the entry, such as `users[3] 'alice'`, in its detail; `.conflict`;
    ///   `.invalidDocument`.
    package func importJSON(
        _ json: [UInt8], at time: Timestamp = .now, checkKey: (KeyMaterial) throws -> Void = { _ in }
    ) throws {
        let document = try DirectoryDocument.decode(json)
        try document.checkKeys(checkKey)
        try change { try $0.merge(document, at: time) }
    }
}

extension DirectoryDocument {
    fileprivate func checkKeys(_ check: (KeyMaterial) throws -> Void) throws {
        let lists =
            (users ?? []).enumerated().map { ("users[\($0)]", $1.keys) }
            + (hosts ?? []).enumerated().map { ("hosts[\($0)]", $1.keys) }
            + (watchers ?? []).enumerated().map { ("watchers[\($0)]", [$1.key]) }
            + (authorities ?? []).enumerated().map { ("authorities[\($0)]", [$1.key]) }
        for (owner, keys) in lists {
            for (index, key) in (keys ?? []).enumerated() {
                do {
                    try check(key.material)
                } catch {
                    throw DirectoryError(
                        .invalidKey, "\(owner).keys[\(index)]: \(Rules.quoted("\(error)"))")
                }
            }
        }
    }
}
