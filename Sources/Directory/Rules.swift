internal import Authorization
internal import Glibc
internal import Support

/// What values may be, whoever enters them. Every function throws `DirectoryError`.
enum Rules {
    private static let letters = "abcdefghijklmnopqrstuvwxyz"
    private static let digits = "0123456789"
    static let hexDigits = Set((digits + "abcdef").utf8)
    static let regionRest = Set((letters + digits + "-").utf8)
    private static let nameStart = Set((letters + "_").utf8)
    private static let nameRest = Set((letters + digits + "_-").utf8)
    static let authorityRest = Set((letters + digits + "._-").utf8)
    static let targetStart = Set((letters + digits).utf8)
    private static let targetRest = Set((letters + digits + ".-").utf8)
    private static let pathCharacters = Set((letters + letters.uppercased() + digits + "._/+-").utf8)
    private static let addressCharacters = Set((letters + letters.uppercased() + digits + ".-_").utf8)
    private static let base64 = Set((letters + letters.uppercased() + digits + "+/").utf8)

    static func matches(
        _ text: String, start: Set<UInt8>, rest: Set<UInt8>, limit: Int
    ) -> Bool {
        guard let first = text.utf8.first, start.contains(first), text.utf8.count <= limit else {
            return false
        }
        return text.utf8.dropFirst().allSatisfy(rest.contains)
    }

    /// A text of a peer or a file, short enough and safe for one line of an error.
    static func quoted(_ text: String) -> String {
        let shown = text.count > 64 ? text.prefix(64) + "…" : text[...]
        return "'\(String(shown).printable)'"
    }

    /// A user's or group's name.
    static func checkName(_ name: String) throws(DirectoryError) {
        guard matches(name, start: nameStart, rest: nameRest, limit: 31) else {
            let lowered = name.lowercased()
            let isCase = lowered != name && matches(lowered, start: nameStart, rest: nameRest, limit: 31)
            throw DirectoryError(
                .invalidName, "\(quoted(name)) is not a name for a user or group",
                hint: isCase
                    ? "names are lower case: '\(lowered)'"
                    : "a name has 1 to 31 of the characters a-z, 0-9, _ and -, and begins with a letter or _")
        }
        if ReservedNames.contains(name) {
            throw DirectoryError(
                .reservedName, "'\(name)' belongs to the system, to machine images or to Gatehouse",
                hint: "choose another name")
        }
    }

    /// A host's or pool's name.
    static func checkTarget(_ name: String) throws(DirectoryError) {
        guard matches(name, start: targetStart, rest: targetRest, limit: 63) else {
            throw DirectoryError(
                .invalidName, "\(quoted(name)) is not a name for a host or pool",
                hint:
                    "a name has 1 to 63 of the characters a-z, 0-9, . and -, and begins with a letter or digit"
            )
        }
        if name == "gate" {
            throw DirectoryError(
                .reservedName, "'gate' is the gateway itself", hint: "choose another name")
        }
    }

    static func checkFullName(_ text: String) throws(DirectoryError) {
        guard text.utf8.count <= 256, text == text.printable, !text.contains(":") else {
            throw DirectoryError(
                .invalidField, "\(quoted(text)) cannot be a full name",
                hint: "at most 256 bytes, without colons and control characters")
        }
    }

    static func checkComment(_ text: String) throws(DirectoryError) {
        guard text.utf8.count <= 256, text == text.printable else {
            throw DirectoryError(
                .invalidField, "\(quoted(text)) cannot be a key's comment",
                hint: "at most 256 bytes, without control characters")
        }
    }

    /// What people read on their terminals and in listings.
    static func checkMessage(_ text: String) throws(DirectoryError) {
        guard text.utf8.count <= 512, text == text.printable else {
            throw DirectoryError(
                .invalidField, "\(quoted(text)) cannot be a message",
                hint: "at most 512 bytes on one line, without control characters")
        }
    }

    static func checkShell(_ path: String) throws(DirectoryError) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.hasSuffix("/"), (2...128).contains(path.utf8.count),
            path.utf8.allSatisfy(pathCharacters.contains),
            !path.split(separator: "/").contains("..")
        else {
            throw DirectoryError(
                .invalidField, "\(quoted(path)) cannot be a login shell",
                hint: "give the absolute path of a program, such as /bin/bash")
        }
    }

    /// The path of a shared folder.
    static func checkTreePath(_ path: String) throws(DirectoryError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard path.hasPrefix("/"), (2...1_024).contains(path.utf8.count), path == path.printable,
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else {
            throw DirectoryError(
                .invalidField, "\(quoted(path)) cannot be the path of a tree",
                hint: "give an absolute path such as /shared/lab, without '..' and control characters")
        }
    }

    static func checkAddress(_ address: String, port: UInt16) throws(DirectoryError) {
        let isName =
            matches(address, start: addressCharacters, rest: addressCharacters, limit: 253)
            && !address.hasPrefix("-") && !address.hasPrefix(".") && !address.contains("..")
        guard isName || isIPv6(address) else {
            throw DirectoryError(
                .invalidAddress, "\(quoted(address)) is not an address",
                hint: "give a DNS name, an IPv4 or an IPv6 address")
        }
        if port == 0 {
            throw DirectoryError(.invalidAddress, "0 is not a port", hint: "ports are 1 to 65535")
        }
    }

    private static func isIPv6(_ address: String) -> Bool {
        var parsed = in6_addr()
        return unsafe !address.utf8.contains(0) && inet_pton(AF_INET6, address, &parsed) == 1
    }

    /// What a grant gives.
    static func check(_ rights: Rights) throws(DirectoryError) {
        let permissions = rights.permissions
        guard permissions.programs == .all || !rights.sudo && !permissions.agent && !permissions.terminal
        else {
            throw DirectoryError(
                .invalidField, "root and an agent are for those who may run programs",
                hint: "leave out --sudo and --agent, or --files-only and --no-login")
        }
        guard permissions.programs != .none || permissions.forwardsAnything else {
            throw DirectoryError(
                .invalidField, "this grant would permit nothing",
                hint: "without a login it has to permit the forwarding of ports")
        }
    }

    static func checkKey(_ key: KeyMaterial) throws(DirectoryError) {
        guard matches(key.type, start: targetStart, rest: targetRest.union("@".utf8), limit: 64) else {
            throw DirectoryError(.invalidKey, "\(quoted(key.type)) is not a type of key")
        }
        guard (1...16_384).contains(key.blob.count) else {
            throw DirectoryError(.invalidKey, "a key of \(key.blob.count) bytes")
        }
        guard isFingerprint(key.fingerprint) else {
            throw DirectoryError(.invalidKey, "\(quoted(key.fingerprint)) is not a SHA256 fingerprint")
        }
    }

    static func isFingerprint(_ text: String) -> Bool {
        let digest = text.utf8.dropFirst(7)
        return text.hasPrefix("SHA256:") && digest.count == 43 && digest.allSatisfy(base64.contains)
    }
}
