package import Directory

/// Runs commands on hosts as root.
package protocol HostExecutor: Sendable {
    /// Runs a command through root's shell; blocks until it has ended.
    ///
    /// - Parameters:
    ///   - input: the command's standard input; ends there.
    /// - Throws: when the host cannot be reached or is not the one that was pinned.
    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult
}

/// What a command on a host gave.
package struct ExecutionResult: Equatable, Sendable {
    /// The exit status, or 128 plus the signal.
    package var status: Int32
    package var output: [UInt8]
    package var errorOutput: [UInt8]

    package init(status: Int32, output: [UInt8], errorOutput: [UInt8] = []) {
        self.status = status
        self.output = output
        self.errorOutput = errorOutput
    }
}
