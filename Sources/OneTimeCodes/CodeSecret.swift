import COath
import SSHKeys
package import Support

/// What a person's authenticator and the gateway both know: codes follow from it and the time (RFC 6238).
///
/// SHA-1, six digits, thirty seconds: what every authenticator knows.
package struct CodeSecret: Sendable {
    /// How long a code is shown, in seconds.
    package static let period: Int64 = 30
    /// How many digits a code has.
    package static let digitCount = 6
    /// Bytes of a secret, as RFC 4226 wants it.
    package static let byteCount = 20
    /// Codes of so many periods before and after the present one will do: clocks differ.
    private static let tolerance: Int64 = 1

    let bytes: [UInt8]

    /// A new one.
    ///
    /// - Throws: `CodeError` when there is no chance to be had.
    package init() throws(CodeError) {
        bytes = try Chance.bytes(Self.byteCount)
    }

    /// One that is known.
    ///
    /// - Throws: `CodeError` for a wrong length.
    package init(bytes: [UInt8]) throws(CodeError) {
        guard bytes.count == Self.byteCount else { throw CodeError("a secret has \(Self.byteCount) bytes") }
        self.bytes = bytes
    }

    /// The number of the period in which a moment lies.
    package static func step(at time: Timestamp) -> Int64 { time.seconds / period }

    /// The code of a period.
    ///
    /// - Throws: `CodeError` when liboath cannot make it.
    package func code(ofStep step: Int64) throws(CodeError) -> [UInt8] {
        guard step >= 0 else { throw CodeError("there are no codes before 1970") }
        var text = [CChar](repeating: 0, count: Self.digitCount + 1)
        let status = unsafe bytes.withUnsafeBytes { secret in
            // The truncation of the RFC: liboath calls it SIZE_MAX.
            unsafe oath_hotp_generate(
                secret.bindMemory(to: CChar.self).baseAddress, secret.count, UInt64(step),
                UInt32(Self.digitCount), false, -1, &text)
        }
        guard status == 0 else { throw CodeError("liboath failed with \(status)") }
        return text.dropLast().map { UInt8(bitPattern: $0) }
    }

    /// The period of which this is the code, among those that will do at `time`; nil: of none. Takes equally long for every answer.
    ///
    /// - Throws: `CodeError` when liboath cannot make codes.
    package func step(ofCode code: [UInt8], at time: Timestamp) throws(CodeError) -> Int64? {
        let now = max(0, Self.step(at: time))
        var found: Int64?
        for step in max(0, now - Self.tolerance)...now + Self.tolerance {
            if ConstantTime.areEqual(try self.code(ofStep: step), code) { found = step }
        }
        return found
    }

    /// As authenticators take it when it is typed: base 32 (RFC 4648) without padding.
    package var base32: String { Base32.encode(bytes) }

    /// As authenticators take it from a QR code.
    ///
    /// - Parameters:
    ///   - account: whose it is, as the authenticator shows it.
    ///   - issuer: where it is for; letters, digits, dots and dashes count.
    package func uri(account: String, issuer: String) -> String {
        let issuer = String(issuer.unicodeScalars.filter { Self.isPlain($0) }.map(Character.init))
        let account = String(account.unicodeScalars.filter { Self.isPlain($0) }.map(Character.init))
        return "otpauth://totp/\(issuer):\(account)?secret=\(base32)&issuer=\(issuer)"
            + "&algorithm=SHA1&digits=\(Self.digitCount)&period=\(Self.period)"
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                || "-._".unicodeScalars.contains(scalar))
    }
}
