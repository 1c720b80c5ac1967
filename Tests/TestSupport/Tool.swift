internal import Glibc
package import Support

/// A run of a program of the system, such as ssh-keygen.
package struct Tool {
    /// Its exit status, or 128 plus the signal that ended it.
    package let status: Int32
    /// What it wrote to standard output and standard error.
    package let output: String

    /// Runs a program with an empty environment and waits for it to end.
    ///
    /// - Throws: `SystemError` when it cannot be started.
    package init(
        _ program: String, _ arguments: [String], environment: [String] = []
    ) throws(SystemError) {
        let child = try Self.start(program, arguments, environment)
        let bytes = try child.output.readAll(limit: 1 << 20)
        status = ChildProcess.wait(for: child.number)
        output = String(decoding: bytes, as: UTF8.self)
    }

    /// Apart from `init`, so that only the child holds the writing end; else the end never comes.
    private static func start(
        _ program: String, _ arguments: [String], _ environment: [String]
    ) throws(SystemError) -> (number: Int32, output: Descriptor) {
        let (read, write) = try Descriptor.pipe()
        var child = ChildProcess(
            program, descriptors: [try Descriptor.open("/dev/null", O_RDONLY), write, write])
        child.arguments = arguments
        child.environment = environment
        return (try child.start(), read)
    }
}

/// A folder for a test's files; it goes away with all its contents.
package final class ScratchFolder: Sendable {
    package let path: String

    /// - Throws: `SystemError` of mkdtemp(3).
    package init() throws(SystemError) {
        var template = Array("/tmp/gatehouse-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        _ = try? Tool("/bin/rm", ["-rf", path])
    }

    /// Writes a file and gives its path.
    ///
    /// - Throws: `SystemError`.
    package func write(_ text: String, to name: String, mode: UInt32 = 0o600) throws(SystemError) -> String {
        let file = "\(path)/\(name)"
        try Descriptor.open(file, O_WRONLY | O_CREAT | O_TRUNC, mode: mode).writeAll(text.utf8)
        return file
    }

    /// Reads a file.
    ///
    /// - Throws: `SystemError`.
    package func read(_ name: String) throws(SystemError) -> [UInt8] {
        try Descriptor.open("\(path)/\(name)", O_RDONLY).readAll(limit: 1 << 20)
    }
}
