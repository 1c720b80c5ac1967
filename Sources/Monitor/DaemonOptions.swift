import Configuration

/// The words after `gatehoused`.
package struct DaemonOptions: Equatable, Sendable {
    /// What to do.
    package enum Mode: Equatable, Sendable {
        case serve
        /// `-t`: check the configuration.
        case check
        /// `-T`: check it and print what is in force.
        case print
    }

    /// How it is called, for a person who got it wrong.
    package static let usage = "usage: gatehoused [-t | -T] [-f FILE]"

    /// What to do.
    package var mode = Mode.serve
    /// Path of the configuration.
    package var configuration = Configuration.defaultPath

    /// Reads the words; nil when they make no sense.
    package init?(_ words: some Sequence<String>) {
        var rest = Array(words)[...]
        while let word = rest.popFirst() {
            switch word {
            case "-t": mode = .check
            case "-T": mode = .print
            case "-f":
                guard let file = rest.popFirst() else { return nil }
                configuration = file
            default: return nil
            }
        }
    }
}
