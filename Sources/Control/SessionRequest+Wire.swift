package import Support

extension SessionRequest {
    private enum Kind: UInt8 {
        case hello = 1
        case probeKey, verifiedKey, refusedMethod, connect, hostFailed, hostReady, jump, command, journalGrew,
            deliver, watcherProgram, interactive, answers, record, password
    }

    /// The message to send.
    package var encoded: [UInt8] {
        var out = WireWriter()
        switch self {
        case .hello:
            out.byte(Kind.hello.rawValue)
        case .probeKey(let login, let key):
            out.byte(Kind.probeKey.rawValue)
            out.string(login)
            out.data(key)
        case .verifiedKey(let login, let key, let clientVersion):
            out.byte(Kind.verifiedKey.rawValue)
            out.string(login)
            out.data(key)
            out.string(clientVersion)
        case .refusedMethod(let login, let method):
            out.byte(Kind.refusedMethod.rawValue)
            out.string(login)
            out.string(method)
        case .connect(let publicKey):
            out.byte(Kind.connect.rawValue)
            out.data(publicKey)
        case .hostFailed(let failure, let detail):
            out.byte(Kind.hostFailed.rawValue)
            out.byte(failure.rawValue)
            out.string(detail)
        case .hostReady:
            out.byte(Kind.hostReady.rawValue)
        case .jump(let host, let port):
            out.byte(Kind.jump.rawValue)
            out.string(host)
            out.uint32(port)
        case .command:
            out.byte(Kind.command.rawValue)
        case .journalGrew:
            out.byte(Kind.journalGrew.rawValue)
        case .deliver:
            out.byte(Kind.deliver.rawValue)
        case .watcherProgram:
            out.byte(Kind.watcherProgram.rawValue)
        case .interactive(let login, let clientVersion):
            out.byte(Kind.interactive.rawValue)
            out.string(login)
            out.string(clientVersion)
        case .answers(let answers):
            out.byte(Kind.answers.rawValue)
            Questions.encode(answers, into: &out)
        case .password(let login, let password, let clientVersion):
            out.byte(Kind.password.rawValue)
            out.string(login)
            out.data(password)
            out.string(clientVersion)
        case .record(let request):
            out.byte(Kind.record.rawValue)
            request.encode(into: &out)
        }
        return out.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: `WireError` for anything but a well-formed request.
    package init(decoding message: [UInt8]) throws(WireError) {
        var input = WireReader(message)
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no request \(type)") }
        switch kind {
        case .hello: self = .hello
        case .probeKey: self = .probeKey(login: try input.string(), key: try input.data())
        case .verifiedKey:
            self = .verifiedKey(
                login: try input.string(), key: try input.data(), clientVersion: try input.string())
        case .refusedMethod: self = .refusedMethod(login: try input.string(), method: try input.string())
        case .connect: self = .connect(publicKey: try input.data())
        case .hostFailed:
            guard let failure = HostFailure(rawValue: try input.byte()) else {
                throw WireError("there is no such host failure")
            }
            self = .hostFailed(failure, detail: try input.string())
        case .hostReady: self = .hostReady
        case .jump: self = .jump(host: try input.string(), port: try input.uint32())
        case .command: self = .command
        case .journalGrew: self = .journalGrew
        case .deliver: self = .deliver
        case .watcherProgram: self = .watcherProgram
        case .interactive: self = .interactive(login: try input.string(), clientVersion: try input.string())
        case .answers: self = .answers(try Questions.answers(from: &input))
        case .password:
            self = .password(
                login: try input.string(), password: try Questions.answer(from: &input),
                clientVersion: try input.string())
        case .record: self = .record(try RecordingRequest(from: &input))
        }
        try input.finish()
    }
}
