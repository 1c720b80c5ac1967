import Support
import Testing

@Suite("Variables of the environment")
struct EnvironmentPatternTests {
    @Test(
        "patterns fit whole names",
        arguments: [
            ("LANG", "LANG", true), ("LANG", "LANGUAGE", false), ("LANG", "XLANG", false),
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true), ("LC_*", "LC", false), ("*", "ANY", true), ("A?C", "ABC", true),
            ("A?C", "AC", false), ("*_X", "A_X_X", true), ("A*B*C", "AxxBxxBC", true),
            ("A*B*C", "AxxBxx", false),
            ("**", "Q", true), ("?", "", false), ("lang", "LANG", false),
        ])
    func matches(_ pattern: String, _ name: String, _ fits: Bool) throws {
        #expect(try #require(EnvironmentPattern(pattern)).matches(name) == fits)
    }

    @Test("a pattern with many stars takes no long time")
    func isQuick() throws {
        let pattern = try #require(EnvironmentPattern(String(repeating: "*A", count: 100) + "B"))
        #expect(!pattern.matches(String(repeating: "A", count: 256)))
    }

    @Test(
        "anything but letters, digits, _, * and ? is no pattern",
        arguments: ["", "A B", "A=", "é", "A-", "[A]"])
    func noPattern(_ text: String) {
        #expect(EnvironmentPattern(text) == nil)
    }

    @Test("a pattern that is too long is none")
    func tooLong() {
        #expect(EnvironmentPattern(String(repeating: "A", count: 257)) == nil)
    }

    @Test(
        "what changes which code runs is refused, even by *",
        arguments: [
            "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "GLIBC_TUNABLES", "BASH_ENV", "ENV",
            "IFS", "PATH",
            "PYTHONSTARTUP", "PYTHONPATH", "PERL5OPT", "PERL5LIB", "RUBYOPT", "NODE_OPTIONS",
            "JAVA_TOOL_OPTIONS",
            "SHELLOPTS", "PS4", "PROMPT_COMMAND", "HOME", "USER", "SHELL", "LOGNAME", "TMPDIR",
            "SSH_AUTH_SOCK", "ZDOTDIR",
            "GIT_SSH_COMMAND", "MALLOC_CHECK_", "SUDO_ASKPASS", "LESSOPEN", "TERMINFO", "KRB5CCNAME",
            "OPENSSL_CONF",
        ])
    func refuses(_ name: String) {
        #expect(EnvironmentPattern.isForbidden(name))
        #expect(!EnvironmentPattern.accepts(name, patterns: ["*", name]))
    }

    @Test("names that fit are accepted, names that are none are not")
    func accepts() {
        let patterns = ["LANG", "LC_*", "GW_?"]
        for name in ["LANG", "LC_CTYPE", "GW_1"] {
            #expect(EnvironmentPattern.accepts(name, patterns: patterns))
        }
        for name in ["", "GW_12", "OTHER", "1A", "LC_A=B", "LC_A B", "LC_\u{0}", "LC_é", "LC_%%"] {
            #expect(!EnvironmentPattern.accepts(name, patterns: patterns))
        }
        #expect(!EnvironmentPattern.accepts("1A", patterns: ["*"]))
        #expect(!EnvironmentPattern.accepts(String(repeating: "A", count: 257), patterns: ["*"]))
        #expect(!EnvironmentPattern.accepts("LANG", patterns: []))
    }

    @Test("patterns that can only fit refused names are known")
    func pointless() throws {
        for text in ["LD_*", "LD_PRELOAD", "PATH", "BASH_ENV", "PYTHON*"] {
            #expect(try #require(EnvironmentPattern(text)).isPointless)
        }
        for text in ["L*", "LANG", "*", "PATHS", "PATH*", "LD"] {
            #expect(try #require(EnvironmentPattern(text)).isPointless == false)
        }
    }
}
