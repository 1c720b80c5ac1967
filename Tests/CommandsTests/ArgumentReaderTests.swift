import Commands
import Testing

@Suite("Reading a command's words")
struct ArgumentReaderTests {
    @Test(
        "an option's value follows it or an equals sign",
        arguments: ["--uid=7", "--uid 7", "x --uid 7", "--uid 7 -- --y"])
    func option(_ line: String) throws {
        var words = ArgumentReader(line.split(separator: " ").map(String.init))
        #expect(try words.number("--uid", as: UInt32.self) == 7)
    }

    @Test(
        "what makes no sense is named",
        arguments: [
            ("--frob", "unexpected argument '--frob'"),
            ("a b c", "unexpected argument 'c'"),
            ("a --uid", "--uid needs a value"),
            ("a --uid --admin", "--uid needs a value"),
            ("a --uid -- 7", "--uid needs a value"),
            ("a --uid 1 --uid=2", "--uid is given 2 times"),
            ("a --uid x", "--uid is a number, not 'x'"),
            ("a --uid 4294967296", "--uid is a number, not '4294967296'"),
            ("", "NAME is missing"),
            ("-x", "unexpected argument '-x'"),
        ])
    func refusals(_ line: String, _ why: String) {
        var words = ArgumentReader(line.split(separator: " ").map(String.init))
        #expect(throws: UsageError(why)) {
            _ = words.flag("--admin")
            _ = try words.number("--uid", as: UInt32.self)
            _ = try words.positional("NAME")
            _ = try words.optionalPositional()
            try words.finish()
        }
    }

    @Test("after -- nothing is an option, and - is a word")
    func literal() throws {
        var words = ArgumentReader(["-", "--", "--admin", "--", "-x"])
        #expect(words.flag("--admin") == false)
        #expect(try words.positionals("WORD") == ["-", "--admin", "--", "-x"])
    }

    @Test("an option may come several times where it says so")
    func repeated() throws {
        var words = ArgumentReader(["--group", "a", "n", "--group=b"])
        #expect(try words.options("--group") == ["a", "b"])
        #expect(try words.positional("NAME") == "n")
        try words.finish()
    }
}
