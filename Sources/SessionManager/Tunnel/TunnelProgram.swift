internal import AWS
internal import CSupport
internal import Glibc
internal import Sandbox
internal import Support

/// The whole of `gatehouse-ssm`.
package enum TunnelProgram {
    /// Runs a tunnel over standard input and output.
    ///
    /// - Returns: the exit status after sysexits(3): 0, 64 usage, 69 unavailable, 77 refused, 78 configuration.
    package static func run(_ words: some Sequence<String>) -> Int32 {
        let words = Array(words)
        if words == ["--help"] || words == ["-h"] {
            print(TunnelOptions.usage)
            return 0
        }
        let options: TunnelOptions
        do throws(ChannelError) {
            options = try TunnelOptions(words)
        } catch {
            complain("\(error)\n\(TunnelOptions.usage)")
            return EX_USAGE
        }
        signal(SIGPIPE, SIG_IGN)
        do {
            let handed = try options.credentialsDescriptor.map(credentials)
            try Sandbox.enter(.tunnel, readable: readable(isHanded: handed != nil))
            let session = try AWSSession.standard(region: options.region, handed: handed)
            var limits = TunnelLimits()
            limits.firstByte = options.bannerTimeout ?? limits.firstByte
            // Who starts this ends the session where this cannot: killed, it says nothing more.
            let announce = { (id: String) in
                if handed != nil { complain("session \(id)") }
            }
            let tunnel = try Tunnel(
                session, instanceID: options.instanceID, port: options.port, reason: options.reason,
                input: Descriptor(adopting: STDIN_FILENO), output: Descriptor(adopting: STDOUT_FILENO),
                limits: limits, announce: announce)
            try tunnel.run()
            return 0
        } catch {
            complain("\(options.instanceID): \(sentence(for: error))")
            return status(of: error)
        }
    }

    /// Reads what the daemon hands over. Nobody may look into this process from then on.
    private static func credentials(from descriptor: Int32) throws -> HandedCredentials {
        gh_forbid_tracing()
        return try HandedCredentials(decoding: Descriptor(adopting: descriptor).readAll(limit: 1 << 16))
    }

    /// What it takes to find names, to check certificates and, where none are handed over, to find credentials.
    private static func readable(isHanded: Bool) -> [String] {
        var variables = ["AWS_CA_BUNDLE"]
        var paths = ["/etc", "/usr", "/run"]
        if !isHanded {
            variables += [
                "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            ]
            if let home = unsafe getenv("HOME") { paths.append(unsafe String(cString: home) + "/.aws") }
        }
        return paths + variables.compactMap { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
    }

    /// What happened, and what to do where that is known.
    static func sentence(for error: any Error) -> String {
        guard let error = error as? AWSError else { return "\(error)" }
        return error.serviceCode == "TargetNotConnected"
            ? "its agent is not connected with Systems Manager: the instance is stopped, or lacks the role, the agent or the way out"
            : "\(error)"
    }

    private static func status(of error: any Error) -> Int32 {
        switch (error as? AWSError)?.code {
        case .accessDenied, .invalidCredentials, .expiredCredentials: EX_NOPERM
        case .configuration, .noCredentials, .noRegion: EX_CONFIG
        default: EX_UNAVAILABLE
        }
    }

    private static func complain(_ text: String) {
        let line = Array("gatehouse-ssm: \(text)\n".utf8)
        try? Descriptor(adopting: dup(STDERR_FILENO)).writeAll(line)
    }
}
