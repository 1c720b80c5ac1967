/// Everything that is wrong with a configuration.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One mistake.
    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        package let file: String
        /// Counted from 1; nil: the file as a whole.
        package let line: Int?
        /// What is wrong, one line.
        package let what: String

        package init(file: String, line: Int?, what: String) {
            self.file = file
            self.line = line
            self.what = what
        }

        package var description: String {
            if let line { "\(file) line \(line): \(what)" } else { "\(file): \(what)" }
        }
    }

    /// In the order of the files; never empty.
    package let problems: [Problem]

    package init(_ problems: [Problem]) {
        self.problems = problems
    }

    /// A line for each problem.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
