internal import Authorization
package import Support

extension SessionReply {
    private enum Kind: UInt8 {
        case settings = 1
        case keyAcceptable, accepted, rejected, disconnect, host, joined, notAJump, commandStarted, refused,
            noted, preparing, deliveryStarted, waking, partiallyAccepted, questions, recording, elsewhere
    }

    /// The message to send.
    package var encoded: [UInt8] {
        var out = WireWriter()
        switch self {
        case .settings(let settings):
            out.byte(Kind.settings.rawValue)
            settings.encode(into: &out)
        case .keyAcceptable:
            out.byte(Kind.keyAcceptable.rawValue)
        case .accepted(let grant):
            out.byte(Kind.accepted.rawValue)
            grant.encode(into: &out)
        case .rejected:
            out.byte(Kind.rejected.rawValue)
        case .disconnect(let reason):
            out.byte(Kind.disconnect.rawValue)
            out.string(reason)
        case .host(let connection):
            out.byte(Kind.host.rawValue)
            connection.encode(into: &out)
        case .joined(let place):
            out.byte(Kind.joined.rawValue)
            out.string(place)
        case .notAJump:
            out.byte(Kind.notAJump.rawValue)
        case .commandStarted:
            out.byte(Kind.commandStarted.rawValue)
        case .refused(let reason):
            out.byte(Kind.refused.rawValue)
            out.string(reason)
        case .noted:
            out.byte(Kind.noted.rawValue)
        case .preparing(let host):
            out.byte(Kind.preparing.rawValue)
            out.string(host)
        case .deliveryStarted:
            out.byte(Kind.deliveryStarted.rawValue)
        case .waking(let host, let state, let seconds):
            out.byte(Kind.waking.rawValue)
            out.string(host)
            out.string(state)
            out.uint32(seconds)
        case .partiallyAccepted(let methods):
            out.byte(Kind.partiallyAccepted.rawValue)
            out.strings(methods)
        case .questions(let questions):
            out.byte(Kind.questions.rawValue)
            questions.encode(into: &out)
        case .recording:
            out.byte(Kind.recording.rawValue)
        case .elsewhere:
            out.byte(Kind.elsewhere.rawValue)
        }
        return out.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: `WireError` for anything but a well-formed reply.
    package init(decoding message: [UInt8]) throws(WireError) {
        var input = WireReader(message)
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no reply \(type)") }
        switch kind {
        case .settings: self = .settings(try ConnectionSettings(from: &input))
        case .keyAcceptable: self = .keyAcceptable
        case .accepted: self = .accepted(try SessionGrant(from: &input))
        case .rejected: self = .rejected
        case .disconnect: self = .disconnect(reason: try input.string())
        case .host: self = .host(try HostConnection(from: &input))
        case .joined: self = .joined(place: try input.string())
        case .notAJump: self = .notAJump
        case .commandStarted: self = .commandStarted
        case .refused: self = .refused(reason: try input.string())
        case .noted: self = .noted
        case .preparing: self = .preparing(host: try input.string())
        case .deliveryStarted: self = .deliveryStarted
        case .waking:
            self = .waking(host: try input.string(), state: try input.string(), seconds: try input.uint32())
        case .partiallyAccepted: self = .partiallyAccepted(methods: try input.strings(limit: 8))
        case .questions: self = .questions(try Questions(from: &input))
        case .recording: self = .recording
        case .elsewhere: self = .elsewhere
        }
        try input.finish()
    }
}

extension ConnectionSettings {
    fileprivate func encode(into out: inout WireWriter) {
        out.string(session)
        out.strings(hostKeys)
        out.uint32(loginGraceSeconds)
        out.uint32(maximumAttempts)
        out.uint32(maximumChannels)
        out.uint64(rekeyBytes)
        out.uint32(connectTimeoutSeconds)
        out.string(banner)
        out.byte(logLevel)
        out.strings(methods)
    }

    fileprivate init(from input: inout WireReader) throws(WireError) {
        self.init(
            session: try input.string(), hostKeys: try input.strings(limit: 8),
            loginGraceSeconds: try input.uint32(), maximumAttempts: try input.uint32(),
            maximumChannels: try input.uint32(), rekeyBytes: try input.uint64(),
            connectTimeoutSeconds: try input.uint32(), banner: try input.string(), logLevel: try input.byte(),
            methods: try input.strings(limit: 8))
    }
}

extension SessionGrant {
    fileprivate func encode(into out: inout WireWriter) {
        out.string(user)
        switch target {
        case .gate:
            out.byte(1)
        case .host:
            out.byte(2)
        case .none(let reason):
            out.byte(3)
            out.string(reason)
        case .book:
            out.byte(4)
        }
        permissions.encode(into: &out)
        out.strings(acceptedEnvironment)
        out.uint32(UInt32(guardedPorts.count))
        for port in guardedPorts { out.uint32(port) }
        recording.encode(into: &out)
        out.boolean(wantsFileDigests)
    }

    fileprivate init(from input: inout WireReader) throws(WireError) {
        let user = try input.string()
        let target: Target
        switch try input.byte() {
        case 1: target = .gate
        case 2: target = .host
        case 3: target = .none(reason: try input.string())
        case 4: target = .book
        case let other: throw WireError("there is no target \(other)")
        }
        let permissions = try Permissions(from: &input)
        let environment = try input.strings()
        let count = try input.uint32()
        guard count <= 65_536 else { throw WireError("a list of \(count) ports is too long") }
        var ports: [UInt32] = []
        for _ in 0..<count { ports.append(try input.uint32()) }
        self.init(
            user: user, target: target, permissions: permissions, acceptedEnvironment: environment,
            guardedPorts: ports, recording: try RecordingDemand(from: &input),
            wantsFileDigests: try input.boolean())
    }
}

extension Permissions {
    fileprivate func encode(into out: inout WireWriter) {
        out.string(programs.rawValue)
        out.boolean(terminal)
        out.uint32(UInt32(forwarding.pieces.count))
        for piece in forwarding.pieces {
            out.uint32(UInt32(piece.lowerBound))
            out.uint32(UInt32(piece.upperBound))
        }
        out.boolean(remoteForwarding)
        out.boolean(agent)
        out.boolean(record)
    }

    fileprivate init(from input: inout WireReader) throws(WireError) {
        guard let programs = Programs(rawValue: try input.string()) else {
            throw WireError("there are no such programs")
        }
        let terminal = try input.boolean()
        let count = try input.uint32()
        guard count <= PortSet.pieceLimit else { throw WireError("a set of \(count) ports is too large") }
        var pieces: [ClosedRange<UInt16>] = []
        for _ in 0..<count {
            guard let low = UInt16(exactly: try input.uint32()),
                let high = UInt16(exactly: try input.uint32()),
                low <= high
            else { throw WireError("there are no such ports") }
            pieces.append(low...high)
        }
        let ports = PortSet(pieces)
        guard ports.pieces == pieces else { throw WireError("ports are not in their order") }
        self.init(
            programs: programs, terminal: terminal, forwarding: ports,
            remoteForwarding: try input.boolean(), agent: try input.boolean(), record: try input.boolean())
    }
}

extension HostConnection {
    fileprivate func encode(into out: inout WireWriter) {
        out.string(host)
        out.string(user)
        out.uint32(UInt32(hostKeys.count))
        for key in hostKeys { out.data(key) }
        out.data(certificate)
        out.string(remark)
    }

    fileprivate init(from input: inout WireReader) throws(WireError) {
        let host = try input.string()
        let user = try input.string()
        let count = try input.uint32()
        guard count <= 16 else { throw WireError("a list of \(count) host keys is too long") }
        var keys: [[UInt8]] = []
        for _ in 0..<count { keys.append(try input.data()) }
        self.init(
            host: host, user: user, hostKeys: keys, certificate: try input.data(),
            remark: try input.string())
    }
}
