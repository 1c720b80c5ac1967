import COpenSSL
import Support

extension Cryptography {
    /// A hash of a signature.
    enum Hash {
        case sha256, sha384, sha512

        fileprivate var digest: OpaquePointer? {
            switch self {
            case .sha256: unsafe EVP_sha256()
            case .sha384: unsafe EVP_sha384()
            case .sha512: unsafe EVP_sha512()
            }
        }
    }

    /// A curve of NIST, with the hash that RFC 5656 gives to it.
    enum Curve {
        case p256, p384, p521

        var name: String {
            switch self {
            case .p256: "P-256"
            case .p384: "P-384"
            case .p521: "P-521"
            }
        }

        fileprivate var hash: Hash {
            switch self {
            case .p256: .sha256
            case .p384: .sha384
            case .p521: .sha512
            }
        }
    }

    /// Whether the 64 bytes of `value` are a signature of RFC 8032.
    static func isEd25519(_ value: [UInt8], of message: [UInt8], by point: [UInt8]) -> Bool {
        guard value.count == 64, point.count == 32,
            let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, point, point.count)
        else {
            ERR_clear_error()
            return false
        }
        defer { unsafe EVP_PKEY_free(key) }
        return unsafe verifies(value, of: message, by: key, hash: nil)
    }

    /// Whether `value`, two numbers as RFC 5656 section 3.1.2 writes them, is a signature by the key of an uncompressed point.
    static func isECDSA(_ value: [UInt8], of message: [UInt8], by point: [UInt8], on curve: Curve) -> Bool {
        var input = WireReader(value)
        guard let first = try? input.data(), let second = try? input.data(), input.remaining == 0,
            let sequence = DER.sequence(ofPositive: [first, second]),
            let key = unsafe publicKey(atPoint: point, onCurve: curve.name)
        else { return false }
        defer { unsafe EVP_PKEY_free(key) }
        return unsafe verifies(sequence, of: message, by: key, hash: curve.hash)
    }

    /// Whether `value` is a signature of PKCS #1 version 1.5, as long as the key's modulus.
    static func isRSA(
        _ value: [UInt8], of message: [UInt8], by key: (modulus: [UInt8], exponent: [UInt8]), hash: Hash
    ) -> Bool {
        let length = key.modulus.count - (key.modulus.first == 0 ? 1 : 0)
        guard value.count == length,
            let sequence = DER.sequence(ofPositive: [key.modulus, key.exponent])
        else { return false }
        let raw = unsafe sequence.withUnsafeBufferPointer { buffer in
            var start = buffer.baseAddress
            return unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, &start, buffer.count)
        }
        guard let raw = unsafe raw else {
            ERR_clear_error()
            return false
        }
        defer { unsafe EVP_PKEY_free(raw) }
        return unsafe verifies(value, of: message, by: raw, hash: hash)
    }

    private static func verifies(
        _ signature: [UInt8], of message: [UInt8], by key: OpaquePointer, hash: Hash?
    ) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return unsafe EVP_DigestVerifyInit(context, nil, hash?.digest, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// The little of DER that libcrypto wants to read.
private enum DER {
    /// A sequence of positive numbers that are in the form of `mpint` (RFC 4251), which is DER's own; nil if one is not.
    static func sequence(ofPositive numbers: [[UInt8]]) -> [UInt8]? {
        var body: [UInt8] = []
        for number in numbers {
            guard let first = number.first, first < 0x80, number.count <= 4_096,
                first != 0 || (number.count > 1 && number[1] >= 0x80)
            else { return nil }
            body += [0x02] + length(number.count) + number
        }
        return [0x30] + length(body.count) + body
    }

    private static func length(_ count: Int) -> [UInt8] {
        if count < 0x80 { return [UInt8(count)] }
        if count < 0x100 { return [0x81, UInt8(count)] }
        return [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
    }
}
