package import Configuration

/// What one connection has shown so far. Only grows, and for one login name; what it is enough for is decided elsewhere, at once.
package struct AuthenticationProgress: Equatable, Sendable {
    /// A key that somebody has proved to have.
    package struct ShownKey: Equatable, Sendable {
        package let blob: [UInt8]
        /// As the client called itself then.
        package let clientVersion: String

        package init(blob: [UInt8], clientVersion: String) {
            self.blob = blob
            self.clientVersion = clientVersion
        }
    }

    /// How the client called itself first.
    package private(set) var login: String?
    /// What the client said it is when it first asked for something besides a key.
    package private(set) var clientVersion: String?
    /// In the order in which it was shown.
    package private(set) var factors: [Factor] = []
    package private(set) var key: ShownKey?

    package init() {}

    /// Takes the login name of an attempt; false when it is not the name of the first: what was shown holds for that one only.
    package mutating func takes(login name: String) -> Bool {
        if login == nil { login = name }
        return login == name
    }

    /// Takes what the client says it is.
    package mutating func note(clientVersion version: String) {
        if clientVersion == nil { clientVersion = version }
    }

    /// A key was shown. It stays the first one whatever comes later.
    package mutating func show(_ shown: ShownKey) {
        guard key == nil else { return }
        key = shown
        factors.append(.publicKey)
    }

    /// Something besides the key was shown.
    package mutating func show(_ factor: Factor) {
        guard factor != .publicKey, !factors.contains(factor) else { return }
        factors.append(factor)
    }
}
