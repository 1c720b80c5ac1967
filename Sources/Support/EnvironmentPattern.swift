/// Names of environment variables that a client may pass on, as in `AcceptEnv LANG LC_*`.
///
/// Variables that would change what programs load or run are refused whatever the patterns say.
package struct EnvironmentPattern: Hashable, Sendable {
    /// The pattern as written: `*` stands for any characters, `?` for one.
    package let text: String

    /// No name of a variable is longer, in bytes.
    package static let nameLimit = 256

    /// Reads a pattern; nil when it holds anything but letters, digits, `_`, `*` and `?`.
    package init?(_ text: String) {
        guard (1...Self.nameLimit).contains(text.utf8.count),
            text.utf8.allSatisfy({
                Self.isNameCharacter($0) || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?")
            })
        else { return nil }
        self.text = text
    }

    /// Whether the pattern fits the name; says nothing on whether the name is safe.
    package func matches(_ name: String) -> Bool {
        Self.matches(Array(text.utf8), Array(name.utf8))
    }

    /// Whether every name the pattern fits is refused anyway, so that writing it is a mistake.
    package var isPointless: Bool {
        let fixed = text.prefix { $0 != "*" && $0 != "?" }
        return fixed == text
            ? Self.isForbidden(text) : Self.forbiddenPrefixes.contains { fixed.hasPrefix($0) }
    }

    /// Whether a client may set the variable `name` on a host, given the patterns of the configuration.
    package static func accepts(_ name: String, patterns: [String]) -> Bool {
        guard isName(name), !isForbidden(name) else { return false }
        let bytes = Array(name.utf8)
        return patterns.contains { matches(Array($0.utf8), bytes) }
    }

    /// Whether `name` could be a variable: letters, digits and `_`, not beginning with a digit.
    package static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= nameLimit else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
            && name.utf8.allSatisfy(isNameCharacter)
    }

    /// Whether the variable makes a loader, a shell or an interpreter run or trust something else.
    package static func isForbidden(_ name: String) -> Bool {
        forbiddenNames.contains(name) || forbiddenPrefixes.contains { name.hasPrefix($0) }
    }

    private static let forbiddenPrefixes = [
        "LD_", "DYLD_", "BASH_", "SSH_", "SUDO_", "MALLOC_", "PYTHON", "PERL", "RUBY", "GATEHOUSE_",
    ]

    private static let forbiddenNames: Set<String> = [
        // The C library: modules, traces, name service, time zones read from files.
        "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH",
        "NLSPATH",
        "RES_OPTIONS", "RESOLV_HOST_CONF", "RESOLV_ADD_TRIM_DOMAINS", "RESOLV_MULTI", "TMPDIR", "TZDIR",
        // Shells: files read at the start, ways to find and split words.
        "BASHOPTS", "CDPATH", "ENV", "FPATH", "GLOBIGNORE", "HISTFILE", "IFS", "PROMPT_COMMAND", "PS4",
        "SHELLOPTS",
        "ZDOTDIR",
        // Who and where the user is, which the host decides.
        "HOME", "LOGNAME", "MAIL", "PATH", "SHELL", "USER", "XDG_RUNTIME_DIR", "XDG_SESSION_ID",
        "DBUS_SESSION_BUS_ADDRESS",
        // Interpreters and tools that load code or run a command.
        "CLASSPATH", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_SSH", "GIT_SSH_COMMAND",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "LESSCLOSE", "LESSOPEN", "LUA_INIT", "LUA_PATH", "LUA_CPATH",
        "NODE_OPTIONS", "NODE_PATH", "OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES", "R_PROFILE",
        "R_ENVIRON", "TCLLIBPATH",
        // Kerberos and terminal descriptions read from a place of the client's choice.
        "KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME", "TERMCAP", "TERMINFO", "TERMINFO_DIRS", "TERMPATH",
    ]

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Matches without recursion: on a mismatch the last star takes one more byte.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var at = 0
        var position = 0
        var afterStar: (pattern: Int, name: Int)?
        while position < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                at += 1
                afterStar = (at, position)
            } else if at < pattern.count, pattern[at] == UInt8(ascii: "?") || pattern[at] == name[position] {
                at += 1
                position += 1
            } else if let star = afterStar {
                at = star.pattern
                position = star.name + 1
                afterStar = (star.pattern, position)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension EnvironmentPattern: CustomStringConvertible {
    package var description: String { text }
}
