package import Control
import Glibc
import Support

/// What this machine's /proc says of its load and of people's services.
package enum MachineLoad {
    /// Below are the system's own accounts.
    private static let firstUser: UInt32 = 1_000
    private static let fileLimit = 64 * 1_024
    /// Bytes of a command line that are looked at: what a service is called stands at its beginning.
    private static let commandLimit = 4_096

    /// Reads it; nil where there is no /proc.
    package static func read() -> HostLoad? {
        guard let averages = contents(of: "/proc/loadavg"), let memory = contents(of: "/proc/meminfo") else {
            return nil
        }
        return parse(
            averages: averages, memory: memory,
            processors: UInt32(clamping: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))), services: services())
    }

    /// Puts together what the files hold; nil when they are not what they should be.
    package static func parse(
        averages: String, memory: String, processors: UInt32, services: [HostLoad.Service]
    ) -> HostLoad? {
        guard let minute = averages.split(separator: " ").first.flatMap({ Double($0) }), minute >= 0,
            let total = kibibytes("MemTotal:", in: memory),
            let available = kibibytes("MemAvailable:", in: memory)
        else { return nil }
        return HostLoad(
            processors: processors, load: UInt32(min(minute * 1_000, 1e9)), memory: total << 10,
            availableMemory: available << 10, services: services)
    }

    private static func kibibytes(_ name: String, in text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let words = line.split(separator: " ")
            guard words.count > 1, let value = UInt64(words[1]), value < 1 << 50 else { return nil }
            return value
        }
        return nil
    }

    /// The name of the service that a process is; nil: it is none.
    ///
    /// - Parameters:
    ///   - name: what the kernel calls it, as in /proc/PID/comm.
    ///   - command: its words, each ended by a zero byte, as at the beginning of /proc/PID/cmdline.
    package static func service(name: String, command: ArraySlice<UInt8>) -> String? {
        switch name {
        case "tmux: server": return "tmux"
        // The client has the same name, but is called `screen`.
        case "screen" where command.starts(with: Array("SCREEN".utf8)): return "screen"
        case "zellij" where contains(Array("--server".utf8), in: command): return "zellij"
        case "mosh-server": return "mosh"
        default: break
        }
        for (part, service) in Self.servers where contains(part, in: command) { return service }
        return nil
    }

    /// Parts of paths that only the servers of IDEs and notebooks have.
    private static let servers = [
        ("/.vscode-server", "vscode"), ("/.cursor-server/", "cursor"), ("/.windsurf-server/", "windsurf"),
        ("/openvscode-server", "vscode"), ("/code-server/", "vscode"), ("/.zed_server/", "zed"),
        ("/JetBrains/RemoteDev/", "jetbrains"), ("remote-dev-server", "jetbrains"),
        ("/jupyter-lab", "jupyter"), ("/jupyter-notebook", "jupyter"), ("/jupyterhub-singleuser", "jupyter"),
    ].map { (part: Array($0.0.utf8), service: $0.1) }

    private static func contains(_ part: [UInt8], in text: ArraySlice<UInt8>) -> Bool {
        guard let first = part.first else { return true }
        var rest = text
        while let start = rest.firstIndex(of: first) {
            if text[start...].starts(with: part) { return true }
            rest = text[(start + 1)...]
        }
        return false
    }

    /// The services of people that run now, each once.
    ///
    /// Deliveries wait for it, and people choose how many processes there are and what they are called: of each only the beginning is
    /// read, into one buffer.
    private static func services() -> [HostLoad.Service] {
        var found: Set<HostLoad.Service> = []
        var buffer = [UInt8](repeating: 0, count: commandLimit)
        for number in Listing.names(in: "/proc") where UInt32(number) != nil {
            if found.count == HostLoad.serviceLimit { break }
            var status = stat()
            guard unsafe lstat("/proc/\(number)", &status) == 0, status.st_uid >= firstUser,
                status.st_uid < 65_534, let name = service(ofProcess: "/proc/\(number)", through: &buffer)
            else { continue }
            found.insert(HostLoad.Service(uid: status.st_uid, name: name))
        }
        return found.sorted { ($0.uid, $0.name) < ($1.uid, $1.name) }
    }

    /// The name of the service that a process is, from the beginning of its files; nil: it is none, or gone.
    ///
    /// - Parameters:
    ///   - folder: such as /proc/1.
    ///   - buffer: for what is read.
    package static func service(ofProcess folder: String, through buffer: inout [UInt8]) -> String? {
        guard let named = read("\(folder)/comm", into: &buffer) else { return nil }
        let name = String(decoding: buffer[..<named].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let count = read("\(folder)/cmdline", into: &buffer) else { return nil }
        return service(name: name, command: buffer[..<count])
    }

    /// Reads the beginning of a file; nil where that cannot be done.
    private static func read(_ path: String, into buffer: inout [UInt8]) -> Int? {
        try? Descriptor.open(path, O_RDONLY).read(into: &buffer)
    }

    private static func contents(of path: String) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY),
            let bytes = try? file.readAll(limit: fileLimit)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
