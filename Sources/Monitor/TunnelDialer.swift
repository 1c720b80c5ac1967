import AWS
import Directory
import Fleet
import Glibc
import Support

/// Connects with instances through Session Manager: one process of `gatehouse-ssm` for each connection.
struct TunnelDialer: Sendable {
    /// The program bounds each of its steps; this bounds all of them.
    private static let timeout = Duration.seconds(45)
    private static let patience = Duration.seconds(5)
    /// What of the daemon's environment says how AWS is reached; none of it is a secret.
    private static let passedVariables: Set<String> = [
        "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_SSM",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "HTTPS_PROXY", "NO_PROXY", "https_proxy", "no_proxy",
    ]

    let cloud: Cloud
    let program: String
    /// nil: the daemon's own user, where it is not root.
    let identity: (uid: UInt32, gid: UInt32)?
    let log: @Sendable () -> Log

    /// Opens a tunnel to the host's port and waits until something speaks there.
    ///
    /// - Throws: `TCPError` with what stands in the way.
    func dial(
        _ instance: HostInstance, port: UInt16, bannerTimeout: Duration?, reason: String
    ) throws(TCPError) -> Descriptor {
        let (ours, complaints, child): (Descriptor, Descriptor, Int32)
        do {
            (ours, complaints, child) = try start(
                instance, port: port, bannerTimeout: bannerTimeout, reason: reason)
        } catch {
            throw TCPError("no tunnel to \(instance.id): \(error)")
        }
        guard ours.waits(for: Int16(POLLIN), until: .now + Self.timeout),
            (try? StreamSocket.hasBytes(ours)) == true
        else {
            let words = end(child, complaints, instance)
            throw TCPError(words.isEmpty ? "the tunnel to \(instance.id) does not come up" : words)
        }
        reap(child, complaints, instance)
        return ours
    }

    private func start(
        _ instance: HostInstance, port: UInt16, bannerTimeout: Duration?, reason: String
    ) throws -> (Descriptor, Descriptor, Int32) {
        let (ours, theirs) = try StreamSocket.pair()
        let (complaints, complaining) = try Descriptor.pipe()
        // Less than a pipe holds, so nobody need read yet.
        let (credentials, handing) = try Descriptor.pipe()
        try handing.writeAll(try HandedCredentials.encode(try cloud.credentials()))
        var child = ChildProcess(program, descriptors: [theirs, theirs, complaining, credentials])
        child.arguments = [
            "--region", try instance.region ?? cloud.region(), "--port", "\(port)", "--reason", reason,
            "--credentials-descriptor", "3",
        ]
        if let bannerTimeout {
            child.arguments += ["--banner-timeout", "\(bannerTimeout.components.seconds)"]
        }
        child.arguments.append(instance.id)
        child.environment = Self.environment
        child.identity = identity
        child.openFileLimit = 64
        child.memoryLimit = 512 * 1_024 * 1_024
        return (ours, complaints, try child.start())
    }

    /// Ends a tunnel that does not come up, and reaps it.
    ///
    /// - Returns: what it had to say.
    private func end(_ child: Int32, _ complaints: Descriptor, _ instance: HostInstance) -> String {
        let handle = try? ProcessHandle(child)
        // One that has failed is about to end its session, and then itself.
        if handle?.ends(within: Self.patience) == false {
            try? handle?.send(SIGTERM)
            if handle?.ends(within: Self.patience) == false { try? handle?.send(SIGKILL) }
        }
        return conclude(child, complaints, instance).complaint
    }

    /// Waits for a tunnel's end. One that was killed could not end its session at the service, which would go on for 20 minutes.
    private func conclude(
        _ child: Int32, _ complaints: Descriptor, _ instance: HostInstance
    ) -> (status: Int32, complaint: String) {
        let words = TunnelWords(from: complaints)
        let status = ChildProcess.wait(for: child)
        if status >= 128, let session = words.session {
            do throws(AWSError) {
                try cloud.systemsManager(in: instance.region).terminateSession(session)
            } catch {
                log().warning(
                    "a session of Session Manager goes on",
                    ["instance.id": instance.id, "session": session, "error": "\(error)"])
            }
        }
        return (status, words.complaint)
    }

    private static var environment: [String] {
        passedVariables.sorted().compactMap { name in
            unsafe getenv(name).map { unsafe "\(name)=\(String(cString: $0))" }
        }
    }

    /// Waits for the end of a tunnel, so that no zombie stays and its last words are kept.
    private func reap(_ child: Int32, _ complaints: Descriptor, _ instance: HostInstance) {
        let isStarted: ()? = try? Thread.start("tunnel") {
            let (status, words) = conclude(child, complaints, instance)
            if status != 0 {
                log().warning(
                    "tunnel ended", ["instance.id": instance.id, "status": "\(status)", "error": words])
            }
        }
        if isStarted == nil { log().error("no thread to wait for a tunnel", ["instance.id": instance.id]) }
    }
}

/// What a tunnel's process says on its standard error: first its session, and at last why it failed.
package struct TunnelWords: Equatable, Sendable {
    private static let limit = 4_096
    private static let speaker = "gatehouse-ssm: "
    private static let announcement = "session "

    /// The session's identifier at the service.
    package private(set) var session: String?
    /// Without the program's name; empty: nothing.
    package private(set) var complaint = ""

    /// Reads to the end.
    init(from pipe: Descriptor) {
        self.init((try? pipe.readAll(limit: Self.limit)) ?? [])
    }

    /// Takes apart what was said.
    package init(_ bytes: [UInt8]) {
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.hasPrefix(Self.speaker) ? line.dropFirst(Self.speaker.count) : line
            if session == nil, words.hasPrefix(Self.announcement), Self.isIdentifier(words) {
                session = String(words.dropFirst(Self.announcement.count))
            } else {
                complaint = String(words).printable
            }
        }
    }

    private static func isIdentifier(_ words: Substring) -> Bool {
        let name = words.dropFirst(announcement.count).utf8
        return (1...128).contains(name.count)
            && name.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."), UInt8(ascii: "@"):
                    true
                default: false
                }
            }
    }
}
