import Control
import Glibc
import Support

/// The delivery to the gateway through a process of the host's own `ssh`.
final class GatewayConnection {
    private static let program = "/usr/bin/ssh"
    private static let errorLimit = 64 * 1_024

    private let process: Int32
    private let handle: ProcessHandle
    let stream: DeliveryStream
    private let errors: Descriptor

    /// Starts `ssh`: with the host's own key and nothing else, to the gateway whose key is pinned and to no other.
    ///
    /// - Throws: `SystemError`.
    init(to gateway: TCPAddress, _ settings: WatchSettings) throws(SystemError) {
        let input = try Descriptor.pipe()
        let output = try Descriptor.pipe()
        // A file: it may say as much as it likes while nobody reads.
        var template = Array("/tmp/gatehouse-ship-XXXXXX".utf8CString)
        let errors = Descriptor(adopting: try SystemError.check(unsafe mkstemp(&template), "mkstemp"))
        unsafe unlink(template)
        var child = ChildProcess(Self.program, descriptors: [input.read, output.write, errors])
        child.arguments = Self.arguments(gateway, settings)
        child.environment = ["PATH=/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8"]
        process = try child.start()
        handle = try ProcessHandle(process)
        stream = DeliveryStream(input: output.read, output: input.write)
        self.errors = errors
    }

    static func arguments(_ gateway: TCPAddress, _ settings: WatchSettings) -> [String] {
        let options = [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=\(settings.knownHostsPath)",
            "GlobalKnownHostsFile=/dev/null", "HostKeyAlias=\(WatchSettings.gatewayAlias)",
            "IdentitiesOnly=yes", "IdentityAgent=none", "IdentityFile=\(settings.keyPath)",
            "PreferredAuthentications=publickey", "ConnectTimeout=10", "ServerAliveInterval=10",
            "ServerAliveCountMax=3", "ControlPath=none", "LogLevel=ERROR", "ClearAllForwardings=yes",
            "UpdateHostKeys=no",
        ]
        return ["-F", "/dev/null", "-T", "-x", "-a"] + options.flatMap { ["-o", $0] } + [
            "-p", String(gateway.port), "-l", "gatehouse-watch+\(settings.host)", "-s",
            gateway.host, DeliveryMessage.subsystem,
        ]
    }

    /// Ends it, and says what `ssh` had to say.
    func end() -> String {
        try? handle.send(SIGTERM)
        if !handle.ends(within: .seconds(2)) { try? handle.send(SIGKILL) }
        _ = ChildProcess.wait(for: process)
        lseek(errors.number, 0, SEEK_SET)
        let words = (try? errors.readAll(limit: Self.errorLimit)) ?? []
        return String(decoding: words, as: UTF8.self).split(whereSeparator: \.isNewline).last.map(String.init)
            ?? ""
    }
}

extension WatchSettings {
    /// The name that the gateway's key has in the host's known_hosts, whatever its address is.
    package static let gatewayAlias = "gatehouse-gateway"
}
