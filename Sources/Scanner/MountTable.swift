/// A mount, as /proc/self/mountinfo tells of it.
struct MountEntry: Equatable, Sendable {
    /// What of the file system is mounted; `/` is all of it.
    var root: [UInt8]
    var mountPoint: [UInt8]
    /// Such as `ext4` or `nfs4`.
    var kind: String
    /// What is mounted, such as `server:/export`.
    var source: [UInt8]
    /// The file system's own options, of which each is `name` or `name=value`.
    var options: [String]
}

extension MountEntry {
    /// Reads a line of /proc/self/mountinfo; nil: it is not one.
    init?(line: some Collection<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " ")).map { Self.unescaped($0) }
        guard let dash = fields.firstIndex(of: [UInt8(ascii: "-")]), dash >= 6, fields.count >= dash + 4
        else {
            return nil
        }
        root = fields[3]
        mountPoint = fields[4]
        kind = String(decoding: fields[dash + 1], as: UTF8.self)
        source = fields[dash + 2]
        options = fields[dash + 3].split(separator: UInt8(ascii: ",")).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
    private static func unescaped(_ field: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(field)
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let digits = bytes[min(index + 1, bytes.count)..<min(index + 4, bytes.count)]
            if bytes[index] == UInt8(ascii: "\\"), digits.count == 3,
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
            {
                text.append(digits.reduce(0) { $0 << 3 | ($1 & 7) })
                index += 4
            } else {
                text.append(bytes[index])
                index += 1
            }
        }
        return text
    }

    /// The mount that a path is on: of the longest mount point above it the last one mounted.
    static func holding(_ path: [UInt8], in table: [UInt8]) -> MountEntry? {
        var best: MountEntry?
        for line in table.split(separator: UInt8(ascii: "\n")) {
            guard let entry = MountEntry(line: line), entry.rest(of: path) != nil,
                entry.mountPoint.count >= best?.mountPoint.count ?? 0
            else { continue }
            best = entry
        }
        return best
    }

    /// What of a path is below the mount point: empty or with a slash in front. Nil: it is not on it.
    func rest(of path: [UInt8]) -> [UInt8]? {
        if mountPoint == [UInt8(ascii: "/")] { return path == mountPoint ? [] : path }
        guard path.starts(with: mountPoint) else { return nil }
        let rest = path[mountPoint.count...]
        return rest.isEmpty || rest.first == UInt8(ascii: "/") ? Array(rest) : nil
    }
}
