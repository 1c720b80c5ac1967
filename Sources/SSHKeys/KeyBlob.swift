import COpenSSL
import Support

/// Checks of the bytes of a public key.
enum KeyBlob {
    private static let rsaBits = 3_072...16_384

    /// Checks that `blob` is one well-formed public key with nothing after it, and tells its kind.
    ///
    /// - Throws: `KeyError`.
    static func check(_ blob: [UInt8]) throws(KeyError) -> KeyType {
        do {
            var input = WireReader(blob)
            guard let name = String(validating: try input.data(), as: UTF8.self) else {
                throw KeyError(.malformed, "the key is damaged: the name of its type is not text")
            }
            let type = try KeyType(named: name)
            try checkBody(of: type, &input)
            try input.finish()
            return type
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the key is cut off or damaged")
        }
    }

    private static func checkBody(of type: KeyType, _ input: inout WireReader) throws {
        switch type {
        case .ed25519:
            try checkEd25519(try input.data())
        case .securityKeyEd25519:
            try checkEd25519(try input.data())
            try checkApplication(try input.string())
        case .ecdsa256:
            try checkPoint("nistp256", "P-256", length: 65, &input)
        case .ecdsa384:
            try checkPoint("nistp384", "P-384", length: 97, &input)
        case .ecdsa521:
            try checkPoint("nistp521", "P-521", length: 133, &input)
        case .securityKeyECDSA256:
            try checkPoint("nistp256", "P-256", length: 65, &input)
            try checkApplication(try input.string())
        case .rsa:
            try checkRSA(exponent: try input.data(), modulus: try input.data())
        }
    }

    private static func checkEd25519(_ key: [UInt8]) throws(KeyError) {
        guard key.count == 32, key.contains(where: { $0 != 0 }) else {
            throw KeyError(.malformed, "the key is damaged: an Ed25519 key has 32 bytes")
        }
    }

    private static func checkApplication(_ name: String) throws(KeyError) {
        guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw KeyError(.malformed, "the key is damaged: its application is not a name")
        }
    }

    private static func checkPoint(
        _ curve: String, _ group: String, length: Int, _ input: inout WireReader
    ) throws {
        guard try input.string() == curve else {
            throw KeyError(.malformed, "the key is damaged: its curve is not the one of its type")
        }
        let point = try input.data()
        guard point.count == length, point.first == 4, Cryptography.isPoint(point, onCurve: group) else {
            throw KeyError(.malformed, "the key is damaged: it is no point of its curve")
        }
    }

    private static func checkRSA(exponent: [UInt8], modulus: [UInt8]) throws(KeyError) {
        guard let exponentBits = bitCount(exponent), let bits = bitCount(modulus) else {
            throw KeyError(.malformed, "the key is damaged: a number in it is negative, zero or padded")
        }
        guard bits >= rsaBits.lowerBound else {
            throw KeyError(
                .tooShort,
                "the RSA key has \(bits) bits, at least \(rsaBits.lowerBound) are needed; make an Ed25519 key"
            )
        }
        guard bits <= rsaBits.upperBound else {
            throw KeyError(
                .malformed, "the RSA key has \(bits) bits, at most \(rsaBits.upperBound) are accepted")
        }
        // The exponent is odd, above 1 and, as everywhere in practice, a machine word.
        guard (2...64).contains(exponentBits), let low = exponent.last, low & 1 == 1,
            let unit = modulus.last, unit & 1 == 1
        else {
            throw KeyError(.malformed, "the key is damaged: its numbers cannot belong to an RSA key")
        }
    }

    /// How many bits a positive `mpint` of RFC 4251 section 5 has; nil if it is not one in its shortest form.
    private static func bitCount(_ bytes: [UInt8]) -> Int? {
        guard let first = bytes.first, first < 0x80 else { return nil }
        if first != 0 { return bytes.count * 8 - first.leadingZeroBitCount }
        guard bytes.count > 1, bytes[1] >= 0x80 else { return nil }
        return (bytes.count - 1) * 8
    }
}
