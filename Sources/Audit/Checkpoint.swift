package import SSHKeys
package import Support

/// The end of the chain of events at a moment, signed: whoever keeps it elsewhere knows later whether anything before it is as it was.
///
/// One line of text, so that it can go into any log:
/// `gatehouse-checkpoint 1 EVENT TIME HASH SIGNATURE`, where the signature (PROTOCOL.sshsig, base 64) is of the line before it.
package struct Checkpoint: Equatable, Sendable {
    private static let mark = "gatehouse-checkpoint 1"
    /// What the signatures are for.
    package static let namespace = "gatehouse-events"

    /// The newest event then.
    package let event: Int64
    package let time: Timestamp
    /// The event's hash in lower-case hexadecimal.
    package let hash: String
    /// The whole line.
    package let line: String

    /// Signs the end of the chain.
    ///
    /// - Throws: `KeyError` with code `cryptography`.
    init(event: Int64, hash: [UInt8], at time: Timestamp, signedBy key: PrivateKey) throws(KeyError) {
        self.event = event
        // As the text has it.
        self.time = Timestamp(milliseconds: time.seconds * 1_000)
        self.hash = Self.hexadecimal(hash)
        let words = "\(Self.mark) \(event) \(time) \(self.hash)"
        let signature = try MessageSignature(of: Array(words.utf8), namespace: Self.namespace, by: key)
        line = "\(words) \(Base64.encode(signature.blob))"
    }

    /// Finds a checkpoint in a line of a log, whatever stands before it; nil: there is none.
    package init?(in text: some StringProtocol) {
        // A log may have put quotes around it.
        guard let start = text.firstRange(of: Self.mark + " ")?.lowerBound else { return nil }
        let words = text[start...].split { $0.isWhitespace || $0 == "\"" }
        guard words.count >= 6, let event = Int64(words[2]), event > 0,
            let time = Timestamp(String(words[3])),
            words[4].utf8.count == 64
        else { return nil }
        self.event = event
        self.time = time
        hash = String(words[4])
        line = words[..<6].joined(separator: " ")
    }

    /// Whether this key has signed it.
    package func isSigned(by key: PublicKey) -> Bool {
        guard let space = line.lastIndex(of: " "),
            let blob = Base64.decode(String(line[line.index(after: space)...])),
            let signature = try? MessageSignature(blob: blob)
        else { return false }
        return signature.publicKey.isSameKey(as: key)
            && signature.verifies(Array(line[..<space].utf8), namespace: Self.namespace)
    }

    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}
