import Commands
import Control
import Glibc
import Support
import TestSupport
import Testing

@Suite("gatehouse on a command line")
struct CommandLineTests {
    private let folder: Workspace

    init() throws { folder = try Workspace() }

    private func run(_ line: String, on terminal: Transcript = Transcript(), environment: String? = nil)
        -> ExitCode
    {
        let tool = CommandLineTool(terminal: terminal, environmentPath: environment ?? folder.configuration)
        return tool.run(line.split(separator: " ").map(String.init))
    }

    @Test("without the daemon a command is unavailable, and a hint tells what to do")
    func noDaemon() throws {
        try folder.configure()
        let terminal = Transcript()
        #expect(run("user list", on: terminal) == .unavailable)
        #expect(
            terminal.errors == """
                gatehouse: user list: the daemon does not run: nobody listens on \(folder.path)/run/control.sock
                hint: start it with 'systemctl start gatehoused', or name its configuration with --config

                """)
    }

    @Test(
        "what makes no sense is told without the daemon",
        arguments: ["usr list", "user add", "user list --frob"])
    func usage(_ line: String) throws {
        try folder.configure()
        #expect(run(line) == .usage)
    }

    @Test(
        "help and version need neither the daemon nor a configuration",
        arguments: ["help", "version", "", "help user add"])
    func local(_ line: String) {
        let terminal = Transcript()
        #expect(run(line, on: terminal, environment: "/nonexistent/gatehouse.conf") == .success)
        #expect(terminal.errors == "")
        #expect(!terminal.output.isEmpty)
    }

    @Test("a missing configuration and a wrong one are status 78")
    func configuration() throws {
        let terminal = Transcript()
        #expect(run("user list", on: terminal) == .configuration)
        #expect(terminal.errors.contains("hint: 'gatehouse init' makes it"))
        try folder.configure(adding: "Frob 1\nUidRange x\n")
        let wrong = Transcript()
        #expect(run("config show", on: wrong) == .configuration)
        let lines = wrong.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("gatehouse: config show: \(folder.configuration) line 4: "))
        #expect(lines[1].hasPrefix("gatehouse: config show: \(folder.configuration) line 5: "))
    }

    @Test(
        "--config stands anywhere before --, and beats the environment",
        arguments: ["--config FILE config show", "config show --config=FILE", "config --config FILE show"])
    func configurationPath(_ line: String) throws {
        try folder.configure()
        let terminal = Transcript()
        let line = line.replacing("FILE", with: folder.configuration)
        #expect(run(line, on: terminal, environment: "/nonexistent/gatehouse.conf") == .success)
        #expect(terminal.output.contains("StateDirectory \(folder.path)/state\n"))
        #expect(run("config show --config") == .usage)
    }

    @Test("init makes an installation, and again changes nothing")
    func initialize() throws {
        try folder.configure()
        let first = Transcript(files: ["ada.pub": Gateway.key(9)])
        #expect(run("init --admin ada --key ada.pub", on: first) == .success, "\(first.errors)")
        #expect(first.output.contains("user CA:        SHA256:"))
        #expect(first.output.contains("administrator:  ada, uid 20000\n"))
        #expect(first.errors.contains("ssh -p 22222 ada+gate@"))
        let modes = folder.modes
        #expect(
            modes == [
                "run": 0o755, "state": 0o700, "state/journals": 0o700, "state/gatehouse.db": 0o600,
                "state/user_ca": 0o600, "state/user_ca.pub": 0o644, "state/ssh_host_ed25519_key": 0o600,
                "state/ssh_host_ed25519_key.pub": 0o644,
            ])
        let authority = try folder.contents("state/user_ca")

        let second = Transcript(files: ["ada.pub": Gateway.key(9)])
        #expect(run("init --admin ada --key ada.pub", on: second) == .success)
        #expect(
            second.output
                == first.output.replacing("\n", with: " (was there)\n").replacing(
                    "(was there) (was there)", with: "(was there)"))
        #expect(try folder.contents("state/user_ca") == authority)
        #expect(folder.modes == modes)
    }

    @Test("init looks at the administrator's key before it makes anything")
    func wrongKey() throws {
        let terminal = Transcript(files: ["bad.pub": "nonsense"])
        #expect(run("init --admin ada --key bad.pub", on: terminal) == .usage)
        #expect(terminal.output == "")
        #expect(folder.modes.isEmpty)
    }

    @Test("init refuses what others could read or change", arguments: ["state", "state/user_ca", "run"])
    func unsafeModes(_ name: String) throws {
        try folder.configure()
        #expect(run("init") == .success)
        _ = unsafe chmod("\(folder.path)/\(name)", 0o777)
        let terminal = Transcript()
        #expect(run("init", on: terminal) == .configuration)
        #expect(terminal.errors.contains("\(folder.path)/\(name) has mode 0777"))
        #expect(terminal.errors.contains("hint: chmod 0"))
    }

    @Test("init refuses a private key as the administrator's, and makes nothing")
    func privateKey() throws {
        try folder.configure()
        let terminal = Transcript(
            input: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
        #expect(run("init --admin ada --key -", on: terminal) == .refused)
        #expect(folder.modes.isEmpty)
        #expect(run("init --admin ada") == .usage)
    }

    /// A daemon that says what it is told, on the workspace's socket, to one client.
    private func daemon(saying messages: [CommandMessage], awaiting answers: Int = 0) throws -> Locked<
        [CommandMessage]
    > {
        try folder.configure()
        _ = unsafe mkdir("\(folder.path)/run", 0o755)
        let listener = try MessageSocket.listen(at: "\(folder.path)/run/control.sock", mode: 0o600)
        let heard = Locked<[CommandMessage]>([])
        try Thread.start("daemon") {
            guard let client = try? MessageSocket.accept(from: listener) else { return }
            func hear() {
                guard let (bytes, _) = try? client.receive(),
                    let message = try? CommandMessage(decoding: bytes)
                else { return }
                heard.withLock { $0.append(message) }
            }
            hear()
            for message in messages { try? client.send(message.encoded) }
            for _ in 0..<answers { hear() }
            if answers > 0 { try? client.send(CommandMessage.exit(0).encoded) }
        }
        return heard
    }

    @Test("the client shows what the daemon sends and ends with its status")
    func output() throws {
        let heard = try daemon(saying: [.output([79, 75, 10]), .error([69, 10]), .exit(66)])
        let terminal = Transcript()
        #expect(run("user show x", on: terminal) == .notFound)
        #expect(terminal.output == "OK\n")
        #expect(terminal.errors == "E\n")
        #expect(
            heard.withLock { $0 } == [.start(words: ["user", "show", "x"], interactive: false, columns: 0)])
    }

    @Test("the daemon gets files that the command line names, in pieces, and no other")
    func files() throws {
        let large = String(repeating: "k", count: 70_000)
        let heard = try daemon(saying: [.wantFile(path: "k.pub", limit: 100_000)], awaiting: 3)
        #expect(run("key add alice k.pub", on: Transcript(files: ["k.pub": large])) == .success)
        let pieces = heard.withLock { $0 }.dropFirst().map { message -> Int in
            if case .input(let bytes) = message { bytes.count } else { -1 }
        }
        #expect(pieces == [65_536, 4_464, 0])
    }

    @Test("a daemon that asks for another file is told no")
    func otherFile() throws {
        let heard = try daemon(saying: [.wantFile(path: "/etc/shadow", limit: 100_000)], awaiting: 1)
        _ = run("key add alice k.pub", on: Transcript(files: ["/etc/shadow": "secret", "k.pub": "x"]))
        #expect(heard.withLock { $0 }.last == .inputFailed(reason: "the command line does not name it"))
    }

    @Test(
        "a daemon that leaves or talks nonsense is unavailable", arguments: [[], [CommandMessage.input([1])]])
    func broken(_ messages: [CommandMessage]) throws {
        _ = try daemon(saying: messages)
        #expect(run("user list") == .unavailable)
    }
}

/// A folder for one installation.
final class Workspace: Sendable {
    private let files: TemporaryFolder
    var path: String { files.path }
    var configuration: String { path + "/gatehouse.conf" }

    private static let names = [
        "run", "state", "state/journals", "state/gatehouse.db", "state/user_ca", "state/user_ca.pub",
        "state/ssh_host_ed25519_key", "state/ssh_host_ed25519_key.pub",
    ]

    init() throws {
        files = try TemporaryFolder()
    }

    func configure(adding lines: String = "") throws {
        let text = """
            ListenAddress 127.0.0.1:22222
            StateDirectory \(path)/state
            RuntimeDirectory \(path)/run

            """
        try Descriptor.open(configuration, O_WRONLY | O_CREAT | O_TRUNC).writeAll((text + lines).utf8)
    }

    func contents(_ name: String) throws -> [UInt8] {
        try Descriptor.open("\(path)/\(name)", O_RDONLY).readAll(limit: 65_536)
    }

    /// The permissions of what there is.
    var modes: [String: UInt32] {
        Self.names.reduce(into: [:]) { modes, name in
            var status = stat()
            if unsafe lstat("\(path)/\(name)", &status) == 0 { modes[name] = status.st_mode & 0o7777 }
        }
    }
}
