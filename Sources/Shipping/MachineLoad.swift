package import Control
import Glibc
import Support

/// What this machine's /proc says of its load and of people's services.
package enum MachineLoad {
    /// Below are the system's own accounts.
    private static let firstUser: UInt32 = 1_000
    private static let fileLimit = 64 * 1_024

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
    ///   - command: its words, each ended by a zero byte, as in /proc/PID/cmdline.
    package static func service(name: String, command: String) -> String? {
        switch name {
        case "tmux: server": return "tmux"
        // The client has the same name, but is called `screen`.
        case "screen" where command.hasPrefix("SCREEN"): return "screen"
        case "zellij" where command.contains("--server"): return "zellij"
        case "mosh-server": return "mosh"
        default: break
        }
        for (part, service) in Self.servers where command.contains(part) { return service }
        return nil
    }

    /// Parts of paths that only the servers of IDEs and notebooks have.
    private static let servers = [
        ("/.vscode-server", "vscode"), ("/.cursor-server/", "cursor"), ("/.windsurf-server/", "windsurf"),
        ("/openvscode-server", "vscode"), ("/code-server/", "vscode"), ("/.zed_server/", "zed"),
        ("/JetBrains/RemoteDev/", "jetbrains"), ("remote-dev-server", "jetbrains"),
        ("/jupyter-lab", "jupyter"), ("/jupyter-notebook", "jupyter"), ("/jupyterhub-singleuser", "jupyter"),
    ]

    /// The services of people that run now, each once.
    private static func services() -> [HostLoad.Service] {
        var found: Set<HostLoad.Service> = []
        for number in Listing.names(in: "/proc") where UInt32(number) != nil {
            if found.count == HostLoad.serviceLimit { break }
            var status = stat()
            guard unsafe lstat("/proc/\(number)", &status) == 0, status.st_uid >= firstUser,
                status.st_uid < 65_534,
                let name = contents(of: "/proc/\(number)/comm"),
                let command = contents(of: "/proc/\(number)/cmdline"),
                let service = service(name: String(name.prefix { $0 != "\n" }), command: command)
            else { continue }
            found.insert(HostLoad.Service(uid: status.st_uid, name: service))
        }
        return found.sorted { ($0.uid, $0.name) < ($1.uid, $1.name) }
    }

    private static func contents(of path: String) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY),
            let bytes = try? file.readAll(limit: fileLimit)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
