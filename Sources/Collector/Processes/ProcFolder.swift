import Glibc
import Support

/// Reads `/proc`.
struct ProcFolder: ProcessReader {
    private let asksForNamespaces: Bool

    init(asksForNamespaces: Bool) {
        self.asksForNamespaces = asksForNamespaces
    }

    func facts(of pid: UInt32, login known: ProcessFacts.Login?) -> ProcessFacts? {
        let folder = "/proc/\(pid)/"
        guard let status = Self.read(folder + "status", limit: 4_096), let login = known ?? login(of: pid)
        else {
            return nil
        }
        var facts = ProcessFacts(uid: 0, login: login)
        var hasUser = false
        for line in status.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x09 || $0 == 0x20 }
            switch line[..<colon].count {
            case 4 where line.starts(with: "Name".utf8): facts.command = Array(value.prefix(63))
            case 4 where line.starts(with: "PPid".utf8): facts.parent = Self.number(value) ?? 0
            case 3 where line.starts(with: "Uid".utf8):
                // Real, effective, saved, of the file system.
                let numbers = value.split(separator: 0x09)
                guard numbers.count == 4, let uid = Self.number(numbers[1]) else { return nil }
                facts.uid = uid
                hasUser = true
            default: break
            }
            if hasUser { break }
        }
        guard hasUser else { return nil }
        if let path = Self.link(folder + "exe") {
            facts.executable = path
        } else if facts.parent == 2 || pid == 2 {
            // Children of kthreadd have no program.
            facts.isKernel = true
        }
        if let group = Self.read(folder + "cgroup", limit: 4_096) { facts.group = ControlGroup(group) }
        if asksForNamespaces { facts.mountNamespace = Self.mountNamespace(of: "\(pid)") ?? 0 }
        return facts
    }

    func login(of pid: UInt32) -> ProcessFacts.Login? {
        guard let uid = Self.read("/proc/\(pid)/loginuid", limit: 32).flatMap({ Self.number($0[...]) }),
            let session = Self.read("/proc/\(pid)/sessionid", limit: 32).flatMap({ Self.number($0[...]) })
        else { return nil }
        return .init(uid: uid == .max ? nil : uid, auditSession: session == .max ? nil : session)
    }

    func all() -> [UInt32] {
        ((try? Folder.names("/proc")) ?? []).compactMap { UInt32($0) }
    }

    /// The inode of a mount namespace; `self` for this process.
    static func mountNamespace(of process: String) -> UInt64? {
        // mnt:[4026531841]
        guard let link = link("/proc/\(process)/ns/mnt"), link.starts(with: "mnt:[".utf8) else { return nil }
        return UInt64(String(decoding: link.dropFirst(5).dropLast(), as: UTF8.self))
    }

    private static func read(_ path: String, limit: Int) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            count = unsafe Glibc.read(file, buffer.baseAddress, limit)
            filled = max(count, 0)
        }
        return count > 0 ? bytes : nil
    }

    private static func link(_ path: String) -> [UInt8]? {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, filled in
            count = unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return -1 }
                return unsafe readlink(path, start, text.count)
            }
            filled = max(count, 0)
        }
        return count > 0 ? Array(bytes) : nil
    }

    private static func number(_ text: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt64 = 0
        var digits = 0
        for byte in text {
            guard byte >= 0x30, byte <= 0x39 else { break }
            value = value * 10 + UInt64(byte - 0x30)
            digits += 1
            if digits > 10 { return nil }
        }
        return digits == 0 ? nil : UInt32(exactly: value)
    }
}
