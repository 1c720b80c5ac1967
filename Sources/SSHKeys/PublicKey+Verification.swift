import Support

extension PublicKey {
    /// Whether `signature` (RFC 8709) of `message` was made with this key; Ed25519 only, false for every other kind.
    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        var input = WireReader(signature)
        guard type == .ed25519, (try? input.string()) == KeyType.ed25519.rawValue,
            let value = try? input.data(), input.remaining == 0
        else { return false }
        return Cryptography.isEd25519(value, of: message, by: Array(blob.suffix(32)))
    }
}
