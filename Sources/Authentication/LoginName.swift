/// What a client gave as its user name: who it is and, perhaps, where it wants to go.
///
/// `user`, `user+target` or `user@target`. The client chose every byte of it; nothing but plain characters gets through.
package struct LoginName: Equatable, Sendable {
    /// The name of a user, in the form that users of the directory have.
    package let user: String

    /// A host, a pool or `gate`; nil: the user's default.
    package let target: String?

    private static let userLimit = 31
    private static let targetLimit = 64

    /// Reads a login name; nil for anything else.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.userLimit + 1 + Self.targetLimit else { return nil }
        let parts = text.utf8.split(
            maxSplits: 1, omittingEmptySubsequences: false,
            whereSeparator: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "@") })
        guard let user = parts.first, Self.isUser(Array(user)) else { return nil }
        self.user = String(decoding: user, as: UTF8.self)
        if parts.count == 2 {
            guard Self.isTarget(Array(parts[1])) else { return nil }
            target = String(decoding: parts[1], as: UTF8.self)
        } else {
            target = nil
        }
    }

    private static func isUser(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, bytes.count <= userLimit else { return false }
        return (isLowercase(first) || first == UInt8(ascii: "_"))
            && bytes.allSatisfy {
                isLowercase($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
    }

    private static func isTarget(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, bytes.count <= targetLimit else { return false }
        return (isLowercase(first) || isDigit(first))
            && bytes.allSatisfy {
                isLowercase($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: ".")
            }
    }

    private static func isLowercase(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
