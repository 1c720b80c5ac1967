import Control
import Shipping
import TestSupport
import Testing

@Suite("what /proc says of a host")
struct MachineLoadTests {
    private static let memory = "MemTotal:       65536 kB\nMemFree:  1 kB\nMemAvailable:   16384 kB\n"

    @Test("load and memory are read")
    func reads() {
        let load = MachineLoad.parse(
            averages: "1.25 0.50 0.10 2/345 6789\n", memory: Self.memory, processors: 4, services: [])
        #expect(
            load
                == HostLoad(processors: 4, load: 1_250, memory: 64 << 20, availableMemory: 16 << 20))
    }

    @Test(
        "what is not as it should be says nothing",
        arguments: [
            ("", memory), ("x y z", memory), ("-1 0 0", memory), ("nan 0 0", memory), ("1 1 1", ""),
            ("1 1 1", "MemTotal: 5 kB\n"), ("1 1 1", "MemTotal:\nMemAvailable: 5\n"),
            ("1 1 1", "MemTotal: 99999999999999999 kB\nMemAvailable: 5\n"),
        ])
    func malformed(_ averages: String, _ memory: String) {
        #expect(MachineLoad.parse(averages: averages, memory: memory, processors: 1, services: []) == nil)
    }

    @Test("this machine can be read")
    func here() {
        #expect(MachineLoad.read() != nil)
    }

    @Test(
        "terminal multiplexers and the servers of IDEs are services",
        arguments: [
            ("tmux: server", "tmux\0", "tmux"), ("tmux: client", "tmux\0a\0", nil),
            ("screen", "SCREEN\0-S\0x\0", "screen"), ("screen", "screen\0-r\0", nil),
            ("node", "/home/a/.vscode-server/cli/servers/x/node\0", "vscode"),
            ("java", "/home/a/.cache/JetBrains/RemoteDev/dist/x/bin/java\0", "jetbrains"),
            ("python3", "/usr/bin/python3\0/opt/conda/bin/jupyter-lab\0", "jupyter"),
            ("mosh-server", "mosh-server\0new\0", "mosh"), ("bash", "-bash\0", nil),
            ("vim", "vim\0x.py\0", nil),
            ("", "", nil),
        ])
    func services(_ name: String, _ command: String, _ expected: String?) {
        #expect(MachineLoad.service(name: name, command: Array(command.utf8)[...]) == expected)
    }

    @Test("a command line of any length is looked at as far as its beginning goes")
    func longCommand() throws {
        let folder = try ScratchFolder()
        let server = "/home/a/.vscode-server/x/node\0"
        let flags = String(repeating: "--flag\0", count: 20_000)
        _ = try folder.write("node\n", to: "comm")
        _ = try folder.write(server + flags, to: "cmdline")
        var buffer = [UInt8](repeating: 0, count: 4_096)
        #expect(MachineLoad.service(ofProcess: folder.path, through: &buffer) == "vscode")
        _ = try folder.write(flags + server, to: "cmdline")
        #expect(MachineLoad.service(ofProcess: folder.path, through: &buffer) == nil)
        #expect(MachineLoad.service(ofProcess: "\(folder.path)/none", through: &buffer) == nil)
    }
}
