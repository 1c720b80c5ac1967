import Glibc

/// The name of one session: a ULID, 26 characters of Crockford's base 32 that sort by time.
///
/// 48 bits of milliseconds, then 80 random bits of getrandom(2).
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
    /// The 26 characters, upper case.
    package let description: String

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    /// Makes a new one for the moment `time`.
    package init(at time: Timestamp = .now) {
        var characters: [Character] = []
        for shift in stride(from: 45, through: 0, by: -5) {
            characters.append(Self.alphabet[Int((time.milliseconds >> Int64(shift)) & 31)])
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<16 {
            characters.append(Self.alphabet[Int.random(in: 0..<32, using: &generator)])
        }
        description = String(characters)
    }

    /// Reads one back; nil unless it is 26 characters of the alphabet.
    package init?(_ text: String) {
        guard text.utf8.count == 26, text.allSatisfy({ Self.alphabet.contains($0) }) else { return nil }
        description = text
    }
}
