import Directory

/// Names of hosts and pools out of what people write into tags.
enum TargetName {
    /// In lower case, with `-` for blanks and underscores.
    ///
    /// - Returns: the name, or why there can be none.
    static func make(from tag: String) -> Result<String, NoName> {
        let words = tag.split { $0 == " " || $0 == "_" || $0 == "\t" }
        let name = words.joined(separator: "-").lowercased()
        if let problem = DirectoryStore.problem(withTarget: name) { return .failure(NoName(why: problem)) }
        return .success(name)
    }

    struct NoName: Error {
        let why: String
    }
}
