internal import AWS
internal import Accounts
internal import FileEvents
internal import FileTransfers
internal import SSHKeys
internal import SessionManager
internal import Support

extension FuzzedParser {
    static func frame(_ bytes: [UInt8]) {
        // Two bytes for the number of records, then frames of one segment, each after its length.
        guard bytes.count > 2 else { return }
        var decoder = FrameDecoder()
        var rest = bytes[2...]
        let count = Int(bytes[0]) | Int(bytes[1]) << 8
        while let low = rest.popFirst(), let high = rest.popFirst() {
            let length = Int(low) | Int(high) << 8
            let frame = Array(rest.prefix(length))
            guard (try? decoder.decode(frame, recordCount: count)) != nil else { return }
            rest = rest.dropFirst(length)
        }
    }

    static func recovery(_ bytes: [UInt8]) {
        guard let recovery = try? SegmentRecovery(bytes) else { return }
        precondition(recovery.wholeCount <= bytes.count)
    }

    static func webSocket(_ bytes: [UInt8]) {
        var reader = WebSocketReader()
        // In pieces of a size that the first byte says.
        let size = max(1, Int(bytes.first ?? 1))
        for start in stride(from: 1, to: bytes.count, by: size) {
            reader.append(bytes[start..<min(start + size, bytes.count)])
            do { while try reader.next() != nil {} } catch { return }
        }
    }

    static func webSocketAnswer(_ bytes: [UInt8]) {
        guard let count = try? WebSocketHandshake(nonce: Array(0..<16)).check(bytes) else { return }
        precondition(count <= bytes.count)
    }

    static func dataChannel(_ bytes: [UInt8]) {
        var channel = DataChannel()
        var now = MonotonicTime.now
        var rest = bytes[...]
        // Messages, each after its length of two bytes.
        while let low = rest.popFirst(), let high = rest.popFirst() {
            let length = Int(low) | Int(high) << 8
            now = now + .milliseconds(10)
            do {
                _ = try channel.receive(Array(rest.prefix(length)), at: now)
                _ = try channel.receive(withDigest(Array(rest.prefix(length))), at: now)
                _ = try channel.tick(at: now)
            } catch { return }
            rest = rest.dropFirst(length)
        }
    }

    /// A message with the digest of its payload, which no chance finds.
    private static func withDigest(_ message: [UInt8]) -> [UInt8] {
        let (digest, payload) = (80..<112, 120)
        guard message.count > payload else { return message }
        var message = message
        message.replaceSubrange(digest, with: HashFunction.sha256(Array(message[payload...])))
        return message
    }

    static func xml(_ bytes: [UInt8]) {
        _ = try? XMLReader.parse(bytes)
    }

    static func accountReport(_ bytes: [UInt8]) {
        _ = try? AccountReport(output: bytes, status: 0)
    }

    static func sftp(_ bytes: [UInt8]) {
        follow(SFTPTrail(wantsDigests: true), bytes)
    }

    static func scp(_ bytes: [UInt8]) {
        for text in ["scp -t x", "scp -f x"] {
            guard let command = SCPCommand(Array(text.utf8)) else { preconditionFailure("this is one") }
            follow(SCPTrail(command, wantsDigests: true), bytes)
        }
    }

    /// Pieces of one end or the other: a byte for its length, which is odd for the host's, then the piece.
    private static func follow(_ trail: some TransferTrail, _ bytes: [UInt8]) {
        var rest = bytes[...]
        var told = 0
        while let length = rest.popFirst() {
            told += trail.take(rest.prefix(Int(length)), from: length & 1 == 0 ? .client : .host).count
            rest = rest.dropFirst(Int(length))
        }
        told += trail.end().count
        precondition(told <= bytes.count && trail.end().isEmpty)
    }
}
