/// Which environment variables of a client are passed on (sshd_config(5), AcceptEnv).
package enum EnvironmentPattern {
    /// Variables that make the loader, a shell or an interpreter run code: never passed on, whatever the patterns say.
    private static let dangerous: [String] = [
        "LD_*", "DYLD_*", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN",
        "LOCPATH", "MALLOC_*",
        "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TMPDIR", "PATH", "HOME", "SHELL", "USER",
        "LOGNAME",
        "BASH_ENV", "BASH_FUNC_*", "ENV", "IFS", "PS4", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "ZDOTDIR",
        "PYTHON*", "PERL*", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "GIT_SSH*", "SSH_*",
    ]

    /// Whether `name` is a sound variable name, matches one of `patterns` (`*`, `?`), and is not dangerous.
    package static func accepts(_ name: String, patterns: [String]) -> Bool {
        let isSound = name.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0 & 0xDF)
        }
        guard isSound, let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            name.utf8.count <= 256
        else { return false }
        if dangerous.contains(where: { matches(name, $0) }) { return false }
        return patterns.contains { matches(name, $0) }
    }

    /// Whether the whole of `text` matches `pattern`, in which `*` is any text and `?` any one character.
    package static func matches(_ text: String, _ pattern: String) -> Bool {
        let text = Array(text.utf8)
        let pattern = Array(pattern.utf8)
        var position = 0
        var index = 0
        // Where to go on when the last `*` has to take one character more.
        var retry: (index: Int, position: Int)?
        while position < text.count {
            if index < pattern.count, pattern[index] == UInt8(ascii: "*") {
                retry = (index, position)
                index += 1
            } else if index < pattern.count,
                pattern[index] == UInt8(ascii: "?") || pattern[index] == text[position]
            {
                index += 1
                position += 1
            } else if let last = retry {
                retry = (last.index, last.position + 1)
                index = last.index + 1
                position = last.position + 1
            } else {
                return false
            }
        }
        return pattern[index...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
