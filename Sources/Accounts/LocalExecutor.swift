package import Directory
import Glibc
import Support

/// Runs commands on this very machine, whichever host is asked for.
package struct LocalExecutor: HostExecutor {
    private let environment: [String]
    private let outputLimit: Int

    /// - Parameter outputLimit: bytes that a command may write to each of its outputs.
    package init(
        environment: [String] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        outputLimit: Int = AccountReport.sizeLimit
    ) {
        self.environment = environment
        self.outputLimit = outputLimit
    }

    /// - Throws: `SystemError` when it cannot begin; `AccountError` when it wrote too much.
    package func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        // Files instead of pipes: nobody has to read one while writing another, and no signal comes.
        let (source, output, errors) = (try temporaryFile(), try temporaryFile(), try temporaryFile())
        try source.writeAll(input)
        lseek(source.number, 0, SEEK_SET)
        var child = ChildProcess("/bin/sh", descriptors: [source, output, errors])
        child.arguments = ["-c", command]
        child.environment = environment
        let status = ChildProcess.wait(for: try child.start())
        do throws(SystemError) {
            return ExecutionResult(
                status: status, output: try contents(of: output), errorOutput: try contents(of: errors))
        } catch {
            throw AccountError(.badReport, "what the command on \(host.name) wrote cannot be read: \(error)")
        }
    }

    private func contents(of file: Descriptor) throws(SystemError) -> [UInt8] {
        lseek(file.number, 0, SEEK_SET)
        return try file.readAll(limit: outputLimit)
    }

    private func temporaryFile() throws(SystemError) -> Descriptor {
        var template = Array("/tmp/gatehouse-XXXXXX".utf8CString)
        let number = try SystemError.check(unsafe mkstemp(&template), "mkstemp")
        unsafe unlink(template)
        return Descriptor(adopting: number)
    }
}
