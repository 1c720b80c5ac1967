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
    private static let complaintLimit = 4_096
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
            let words = Self.end(child, complaints)
            throw TCPError(words.isEmpty ? "the tunnel to \(instance.id) does not come up" : words)
        }
        reap(child, complaints, instance.id)
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
    private static func end(_ child: Int32, _ complaints: Descriptor) -> String {
        let handle = try? ProcessHandle(child)
        // One that has failed is about to end its session, and then itself.
        if handle?.ends(within: patience) == false {
            try? handle?.send(SIGTERM)
            if handle?.ends(within: patience) == false { try? handle?.send(SIGKILL) }
        }
        defer { _ = ChildProcess.wait(for: child) }
        return complaint(from: complaints)
    }

    private static var environment: [String] {
        passedVariables.sorted().compactMap { name in
            unsafe getenv(name).map { unsafe "\(name)=\(String(cString: $0))" }
        }
    }

    /// What the program said before it ended, without its own and the instance's name.
    private static func complaint(from pipe: Descriptor) -> String {
        guard let bytes = try? pipe.readAll(limit: complaintLimit) else { return "" }
        let line = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).last ?? ""
        let words = line.hasPrefix("gatehouse-ssm: ") ? line.dropFirst("gatehouse-ssm: ".count) : line
        return String(words).printable
    }

    /// Waits for the end of a tunnel, so that no zombie stays and its last words are kept.
    private func reap(_ child: Int32, _ complaints: Descriptor, _ instanceID: String) {
        let log = log
        let isStarted: ()? = try? Thread.start("tunnel") {
            let words = Self.complaint(from: complaints)
            let status = ChildProcess.wait(for: child)
            if status != 0 {
                log().warning(
                    "tunnel ended", ["instance.id": instanceID, "status": "\(status)", "error": words])
            }
        }
        if isStarted == nil { log().error("no thread to wait for a tunnel", ["instance.id": instanceID]) }
    }
}
