/// What the control group of a process says of it.
package enum ControlGroup: Hashable, Sendable {
    /// A container and its identifier.
    case container(String)
    /// A unit of the service manager.
    case service(String)
    case none
}

extension ControlGroup {
    /// What container runtimes put before the identifier, and `.scope` behind it.
    private static let scopes = [
        "docker-", "libpod-", "cri-containerd-", "crio-", "containerd-", "nerdctl-", "machine-",
    ]

    /// What stands before the identifier as a folder of its own.
    private static let folders = ["docker", "libpod_parent", "lxc", "kubepods"]

    /// Reads `/proc/PID/cgroup`; what is not understood is `none`, never guessed.
    package init(_ contents: some Sequence<UInt8>) {
        var found = ControlGroup.none
        for line in contents.split(separator: 0x0A) {
            // NUMBER:CONTROLLERS:PATH, and a path may hold colons.
            let fields = line.split(separator: 0x3A, maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let group = Self.read(String(decoding: fields[2], as: UTF8.self))
            if case .container = group {
                self = group
                return
            }
            if found == .none { found = group }
        }
        self = found
    }

    private static func read(_ path: String) -> ControlGroup {
        let parts = path.split(separator: "/").map(String.init)
        for (index, part) in parts.enumerated() {
            if part.hasSuffix(".scope"), scopes.contains(where: { part.hasPrefix($0) }) {
                return .container(identifier(part))
            }
            if part.hasPrefix("lxc.payload.") {
                return .container(String(part.dropFirst("lxc.payload.".count)))
            }
            let isFolder = folders.contains(part) || part.hasPrefix("kubepods")
            if isFolder, let last = parts.last, index < parts.count - 1 {
                return .container(identifier(last))
            }
        }
        guard parts.first == "system.slice", let unit = parts.last(where: { $0.hasSuffix(".service") }) else {
            return .none
        }
        return .service(unit)
    }

    private static func identifier(_ name: String) -> String {
        let bare = name.hasSuffix(".scope") ? String(name.dropLast(".scope".count)) : name
        guard let prefix = scopes.first(where: { bare.hasPrefix($0) }) else { return bare }
        return String(bare.dropFirst(prefix.count))
    }
}
