/// The program that makes the accounts on a host, and how it gets there.
///
/// The command never changes and holds no data: a shell reads it. Modules and wanted state go to its standard input.
package enum HostStep {
    /// Hosts worked at at a time, where each takes a thread.
    static let threadLimit = 8

    /// Reads a line of JSON `[[name, byte count], …]`, then the modules one after the other; the last one runs and finds
    /// the wanted state behind them. `-I`: nothing of root's environment or folders is imported; `-S`: nor what is installed beside the standard
    /// library.
    package static let command = """
        exec python3 -I -S -c 'import json, sys, types
        stream = sys.stdin.buffer
        for name, size in json.loads(stream.readline().decode()):
            module = types.ModuleType(name)
            sys.modules[name] = module
            exec(compile(stream.read(size), name + ".py", "exec"), module.__dict__)'
        """

    /// In the order in which they import each other.
    private static let modules: [(name: String, source: [UInt8])] = [
        ("files", PackageResources.files_py),
        ("wanted", PackageResources.wanted_py),
        ("homes", PackageResources.homes_py),
        ("processes", PackageResources.processes_py),
        ("accounts", PackageResources.accounts_py),
        ("access", PackageResources.access_py),
        ("sshd", PackageResources.sshd_py),
        ("apply", PackageResources.apply_py),
    ]

    /// What goes to the command's standard input.
    ///
    /// - Parameter state: `DesiredState.encoded()`.
    package static func input(for state: [UInt8]) -> [UInt8] {
        let index = modules.map { "[\"\($0.name)\", \($0.source.count)]" }.joined(separator: ", ")
        return Array("[\(index)]\n".utf8) + modules.flatMap(\.source) + state
    }
}
