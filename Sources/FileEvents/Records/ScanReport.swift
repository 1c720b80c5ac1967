/// The beginning or the end of a scan.
package struct ScanReport: Hashable, Sendable {
    /// A directory or file that the scan could not read.
    package struct Problem: Hashable, Sendable {
        /// Relative to the tree.
        package var path: [UInt8]
        /// The value of `errno`.
        package var number: UInt32

        package init(path: [UInt8], number: UInt32) {
            self.path = path
            self.number = number
        }
    }

    package enum Phase: UInt8, Sendable, CaseIterable {
        case begins, completed
        /// It ended early; what it has not seen is unknown.
        case abandoned
    }

    /// A report lists no more problems; `problemCount` counts all.
    package static let problemLimit = 100

    /// Longer paths of problems are cut to so many bytes.
    package static let problemPathLimit = 1_024

    package var scan: UInt64
    package var tree: [UInt8]
    package var phase: Phase
    /// Microseconds since 1970.
    package var time: Int64
    package var directoryCount: UInt64
    package var entryCount: UInt64
    package var problemCount: UInt64
    package var problems: [Problem]

    package init(
        scan: UInt64, tree: [UInt8], phase: Phase, time: Int64, directoryCount: UInt64 = 0,
        entryCount: UInt64 = 0, problemCount: UInt64 = 0, problems: [Problem] = []
    ) {
        self.scan = scan
        self.tree = tree
        self.phase = phase
        self.time = time
        self.directoryCount = directoryCount
        self.entryCount = entryCount
        self.problemCount = problemCount
        self.problems = problems
    }
}
