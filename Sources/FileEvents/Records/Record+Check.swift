/// A host that is not honest signs anything: names, times and lengths that nothing has are refused, so that whoever takes
/// records may count with them.
extension Record {
    /// - Throws: `SegmentError` `.malformed`.
    func check() throws(SegmentError) {
        switch self {
        case .event(let event): try event.check()
        case .gap(let gap):
            try Self.check(gap.from)
            try Self.check(gap.until)
            if let tree = gap.tree { try Self.check(tree: tree) }
        case .directory(let report):
            try Self.check(report.time)
            try Self.check(tree: report.tree)
            try Self.check(path: report.path)
            try report.stat?.check()
            for entry in report.entries {
                try Self.check(name: entry.name[...])
                try entry.stat.check()
            }
        case .scan(let report):
            try Self.check(report.time)
            try Self.check(tree: report.tree)
        case .coverage(let coverage):
            try Self.check(coverage.time)
            try Self.check(tree: coverage.tree)
        }
    }

    /// - Parameter time: in microseconds since 1970.
    static func check(_ time: Int64) throws(SegmentError) {
        guard SegmentLimits.times.contains(time) else {
            throw SegmentError(.malformed, "a time is out of range")
        }
    }

    static func check(tree: [UInt8]) throws(SegmentError) {
        guard tree.first == UInt8(ascii: "/") else {
            throw SegmentError(.malformed, "a tree has no absolute path")
        }
        if tree.count > 1 { try check(path: tree[1...]) }
    }

    /// - Parameter path: relative to a tree; empty for its root.
    static func check(path: some Collection<UInt8>) throws(SegmentError) {
        if path.isEmpty { return }
        for name in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            try check(name: name)
        }
    }

    static func check(name: some Collection<UInt8>) throws(SegmentError) {
        let isDots = name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
        guard !isDots, name.count <= SegmentLimits.name,
            !name.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") })
        else { throw SegmentError(.malformed, "a name is none that a file has") }
    }
}

extension FileEvent {
    fileprivate func check() throws(SegmentError) {
        try Record.check(time)
        try Record.check(tree: tree)
        try Record.check(path: directory)
        // The root of a tree has no name.
        if !name.isEmpty || !directory.isEmpty { try Record.check(name: name) }
        if let destination {
            try Record.check(path: destination.directory)
            try Record.check(name: destination.name)
        }
        try stat?.check()
    }
}

extension FileStat {
    fileprivate func check() throws(SegmentError) {
        guard size <= SegmentLimits.length, blocks <= SegmentLimits.length else {
            throw SegmentError(.malformed, "a file is longer than any")
        }
    }
}
