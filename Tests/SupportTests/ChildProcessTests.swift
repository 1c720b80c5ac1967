import CSupport
import Glibc
import Support
import TestSupport
import Testing

@Suite("Child processes")
struct ChildProcessTests {
    /// Runs a shell script with these settings and gives what it wrote.
    private func run(_ script: String, _ change: (inout ChildProcess) -> Void = { _ in }) throws -> String {
        let child = try start(script, change)
        let bytes = try child.output.readAll(limit: 1 << 20)
        #expect(ChildProcess.wait(for: child.number) == 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func start(
        _ script: String, _ change: (inout ChildProcess) -> Void
    ) throws -> (number: Int32, output: Descriptor) {
        let (read, write) = try Descriptor.pipe()
        var child = ChildProcess(
            "/bin/sh", descriptors: [try Descriptor.open("/dev/null", O_RDONLY), write, write])
        child.arguments = ["-c", script]
        change(&child)
        return (try child.start(), read)
    }

    @Test("arguments, environment, folder and umask are what was asked for, and nothing is inherited")
    func surroundings() throws {
        let output = try run("echo \"$0|$1|$A|$HOME|$(pwd)|$(umask)\"") {
            $0.arguments += ["zero", "a b"]
            $0.environment = ["A=x y"]
        }
        #expect(output == "zero|a b|x y||/|0077\n")
    }

    @Test("only the descriptors given are open")
    func descriptors() throws {
        // Another program lists them: the shell would open one more for that.
        #expect(try run("/bin/ls /proc/$$/fd; true") == "0\n1\n2\n")
    }

    @Test("descriptors arrive in their order whatever their numbers are", arguments: [0, 3, 8, 60, 64, 200])
    func anyNumbers(_ lowest: Int32) throws {
        let pipes = try (0..<8).map { _ in try Descriptor.pipe() }
        for (index, pipe) in pipes.enumerated() { try pipe.write.writeAll(Array("\(index)".utf8)) }
        // High numbers first, so that each is where an earlier one would be copied to.
        let copies = try pipes.map { pipe in
            Descriptor(
                adopting: try SystemError.check(fcntl(pipe.read.number, F_DUPFD_CLOEXEC, lowest), "dup"))
        }
        for order in [copies, copies.reversed()] as [[Descriptor]] {
            let folder = try ScratchFolder()
            let output = folder.path + "/out"
            var child = ChildProcess("/bin/sh", descriptors: order)
            child.arguments = [
                "-c", "for n in 0 1 2 3 4 5 6 7; do readlink /proc/$$/fd/$n; done > \(output)",
            ]
            #expect(ChildProcess.wait(for: try child.start()) == 0)
            let found = String(decoding: try folder.read("out"), as: UTF8.self).split(separator: "\n")
            let wanted = try order.map { descriptor in
                var status = stat()
                try SystemError.check(unsafe fstat(descriptor.number, &status), "fstat")
                return "pipe:[\(status.st_ino)]"
            }
            #expect(
                found.enumerated().allSatisfy { $0.offset == 1 || String($0.element) == wanted[$0.offset] })
            #expect(found.count == 8)
        }
    }

    @Test("the identity is dropped for good", .enabled(if: getuid() == 0))
    func dropsIdentity() throws {
        let output = try run("grep -E '^(Uid|Gid|Groups|NoNewPrivs|CapEff|CapPrm):' /proc/self/status") {
            $0.identity = (uid: 63_022, gid: 63_023)
            $0.environment = ["PATH=/usr/bin:/bin"]
        }
        let lines = output.split(separator: "\n").map { line in
            line.split { $0 == "\t" || $0 == " " }.joined(separator: " ")
        }
        #expect(
            lines == [
                "Uid: 63022 63022 63022 63022", "Gid: 63023 63023 63023 63023", "Groups:",
                "CapPrm: 0000000000000000", "CapEff: 0000000000000000", "NoNewPrivs: 1",
            ])
        #expect(getuid() == 0)
    }

    @Test("limits hold, and there are no core dumps")
    func limits() throws {
        let output = try run("ulimit -n; ulimit -f; ulimit -c; ulimit -d") {
            $0.openFileLimit = 33
            $0.fileSizeLimit = 512 * 1_024
            $0.memoryLimit = 64 * 1_024 * 1_024
        }
        // The shadow of a sanitizer is beyond every limit of memory.
        let memory = Sanitizer.current == nil ? "65536" : "unlimited"
        #expect(output == "33\n1024\n0\n\(memory)\n")
    }

    @Test("a child that may start no others runs and cannot copy itself", .enabled(if: getuid() == 0))
    func forbidsChildren() throws {
        let child = try start("echo here; (echo there)") {
            $0.identity = (uid: 63_022, gid: 63_022)
            $0.mayStartOthers = false
        }
        let output = String(decoding: try child.output.readAll(limit: 4_096), as: UTF8.self)
        #expect(ChildProcess.wait(for: child.number) != 0)
        #expect(output.hasPrefix("here\n"))
        #expect(!output.contains("there"))
    }

    @Test("a process that computes too long is ended")
    func limitsProcessorTime() async {
        await #expect(processExitsWith: .signal(SIGPROF)) {
            gh_limit_processor_time(1)
            var number: UInt64 = 1
            while number != 0 { number = number &* 3 }
        }
    }

    @Test("a child has a session of its own, no blocked signals and no ignored ones")
    func signals() throws {
        let output = try run(
            "read -r _ _ _ _ _ session _ < /proc/$$/stat; test $session = $$ && echo own; "
                + "exec grep -E '^Sig(Blk|Ign):' /proc/self/status"
        ) { $0.environment = ["PATH=/usr/bin:/bin"] }
        let lines = output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.first == "own")
        for line in lines.dropFirst() {
            let set = try #require(UInt64(line.split(separator: "\t").last ?? "", radix: 16))
            // Only the first 31: the C library keeps 32 and 33 to itself.
            #expect(set & 0x7FFF_FFFF == 0, "\(line)")
        }
    }

    @Test("statuses and signals are told apart")
    func statuses() throws {
        #expect(try ChildProcess.wait(for: start("exit 7") { _ in }.number) == 7)
        #expect(try ChildProcess.wait(for: start("kill -TERM $$") { _ in }.number) == 128 + SIGTERM)
    }

    @Test("what cannot be started is an error that names the program")
    func failures() throws {
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        #expect(throws: SystemError("open /no/such", number: ENOENT)) {
            try ChildProcess("/no/such", descriptors: [null]).start()
        }
        let many = [Descriptor](repeating: null, count: 9)
        #expect(throws: SystemError("start /bin/true", number: EINVAL)) {
            try ChildProcess("/bin/true", descriptors: many).start()
        }
    }

    @Test(
        "what the kernel does not execute is an error",
        .disabled(if: Sanitizer.current == .thread, "it makes a fork of vfork, which cannot tell"))
    func refusal() throws {
        let null = try Descriptor.open("/dev/null", O_RDONLY)
        #expect(throws: SystemError("start /dev/null", number: EACCES)) {
            try ChildProcess("/dev/null", descriptors: [null]).start()
        }
    }

    @Test("a handle signals a child, sees its end and outlives it")
    func handle() throws {
        let child = try start("exec sleep 60") { $0.environment = ["PATH=/usr/bin:/bin"] }
        let handle = try ProcessHandle(child.number)
        #expect(ProcessHandle.startTime(of: child.number) != nil)
        #expect(!handle.ends(within: .milliseconds(1)))
        try handle.send(SIGKILL)
        #expect(handle.ends(within: .seconds(10)))
        #expect(ChildProcess.wait(for: child.number) == 128 + SIGKILL)
        try handle.send(SIGKILL)
        #expect(throws: SystemError.self) { try ProcessHandle(child.number) }
    }

    @Test("of several processes those that have ended are told, and another descriptor beside them")
    func several() throws {
        let children = try (0..<3).map { _ in
            try start("exec sleep 60") { $0.environment = ["PATH=/usr/bin:/bin"] }
        }
        let handles = try children.map { try ProcessHandle($0.number) }
        let bell = try Descriptor.pipe()
        try bell.write.writeAll([1])
        let rung = ProcessHandle.ended(of: handles, or: bell.read)
        #expect(rung.ended == [] && rung.isOtherReadable)
        var byte: [UInt8] = [0]
        #expect(try bell.read.read(into: &byte) == 1)
        try handles[1].send(SIGKILL)
        let ended = ProcessHandle.ended(of: handles, or: bell.read)
        #expect(ended.ended == [1] && !ended.isOtherReadable)
        for handle in handles { try handle.send(SIGKILL) }
        for child in children { #expect(ChildProcess.wait(for: child.number) == 128 + SIGKILL) }
    }
}
