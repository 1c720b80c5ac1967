internal import Authentication
internal import Configuration
internal import Control
internal import Front
internal import Recording
internal import SSHKeys
internal import Support

extension FuzzedParser {
    static func pam(_ bytes: [UInt8]) {
        guard let message = try? PAMMessage(decoding: bytes) else { return }
        precondition((try? PAMMessage(decoding: message.encoded)) == message)
    }

    static func request(_ bytes: [UInt8]) {
        guard let request = try? SessionRequest(decoding: bytes) else { return }
        precondition((try? SessionRequest(decoding: request.encoded)) == request)
    }

    static func reply(_ bytes: [UInt8]) {
        guard let reply = try? SessionReply(decoding: bytes) else { return }
        precondition((try? SessionReply(decoding: reply.encoded)) == reply)
    }

    static func command(_ bytes: [UInt8]) {
        guard let message = try? CommandMessage(decoding: bytes) else { return }
        precondition((try? CommandMessage(decoding: message.encoded)) == message)
    }

    static func delivery(_ bytes: [UInt8]) {
        var frames = DeliveryFrames()
        frames.append(bytes)
        while (try? frames.next()) != nil {}
        guard let message = try? DeliveryMessage(decoding: bytes) else { return }
        // A frame begins with its length.
        precondition((try? DeliveryMessage(decoding: Array(message.encoded[4...]))) == message)
    }

    /// What comes of messages is written as lines that are read back.
    static func recorderMessage(_ bytes: [UInt8]) {
        var reader = RecordingMessageReader()
        reader.append(bytes[...])
        var writer = CastWriter(start: 0)
        var lines: [UInt8] = []
        while let next = try? reader.next() { writer.append(next.message, at: next.time, to: &lines) }
        writer.finish(at: 0, to: &lines)
        // Later than the year 10,000 is no time of a recording.
        guard writer.duration < 250_000_000_000_000_000 else { return }
        for line in lines.split(separator: 0x0A) { precondition((try? CastEvent(line: line)) != nil) }
    }

    static func castEvent(_ bytes: [UInt8]) {
        guard let event = try? CastEvent(line: bytes[...]) else { return }
        precondition(String(validating: event.data, as: UTF8.self) != nil)
    }

    /// What passes a filter passes it again as it is.
    static func terminal(_ bytes: [UInt8]) {
        let text = Array(String(decoding: bytes, as: UTF8.self).utf8)
        var filter = TerminalFilter()
        var shown: [UInt8] = []
        filter.append(text, to: &shown)
        var again = TerminalFilter()
        var shownAgain: [UInt8] = []
        again.append(shown, to: &shownAgain)
        precondition(shown == shownAgain)
        var search = TextSearch("needle")
        _ = search.finds(in: text)
    }

    static func journal(_ bytes: [UInt8]) {
        guard let (records, consumed) = try? JournalRecord.decode(bytes) else { return }
        precondition(consumed <= bytes.count && records.count <= bytes.count / 4)
    }

    static func frontMessage(_ bytes: [UInt8]) {
        guard let message = try? FrontMessage(decoding: bytes) else { return }
        precondition((try? FrontMessage(decoding: message.encoded)) == message)
    }

    /// Never takes a byte that is the client's, and never wants none.
    static func proxyHeader(_ bytes: [UInt8]) {
        var header = ProxyHeader()
        var rest = bytes[...]
        var wanted = 1
        while !rest.isEmpty {
            let piece = rest.prefix(wanted)
            rest = rest.dropFirst(wanted)
            guard case .wants(let more) = try? header.take(piece) else { return }
            precondition(more > 0)
            wanted = more
        }
    }

    static func loginName(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let name = LoginName(text) else { return }
        let again = name.target.map { "\(name.user)+\($0)" } ?? name.user
        precondition(LoginName(again) == name)
    }

    static func configuration(_ bytes: [UInt8]) {
        guard let configuration = try? Configuration.parse(bytes) else { return }
        let rendered = Array(configuration.rendered.utf8)
        precondition((try? Configuration.parse(rendered)) == configuration)
    }

    static func environmentPattern(_ bytes: [UInt8]) {
        // A pattern, a zero byte, a name.
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 2, let pattern = EnvironmentPattern(parts[0]) else { return }
        _ = pattern.matches(parts[1])
        _ = EnvironmentPattern.accepts(parts[1], patterns: [parts[0]])
    }

    static func publicKey(_ bytes: [UInt8]) {
        guard let key = try? PublicKey(blob: bytes) else { return }
        precondition(key.blob == bytes)
        _ = key.fingerprint
    }

    static func publicKeyText(_ bytes: [UInt8]) {
        _ = PrivateKeyMark.isFound(in: bytes)
        _ = try? PublicKey.parse(bytes: bytes)
    }

    static func signature(_ bytes: [UInt8]) {
        _ = try? MessageSignature(blob: bytes)
    }

    static func timestamp(_ bytes: [UInt8]) {
        guard let time = Timestamp(String(decoding: bytes, as: UTF8.self)) else { return }
        precondition(Timestamp(time.description) == time)
    }

    static func certificate(_ bytes: [UInt8]) {
        let isMeant = PresentedCertificate.isMeant(by: bytes)
        guard let certificate = try? PresentedCertificate(blob: bytes) else { return }
        precondition(isMeant)
        _ = certificate.isSignedByItsAuthority
        _ = certificate.criticalOptions.map(\.text)
        _ = certificate.keyIDText
    }

    static func network(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let network = Network(text) else { return }
        precondition(network.contains(network.address) && Network(network.description) == network)
    }
}
