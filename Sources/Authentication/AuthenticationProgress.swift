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
    /// In the order in which it was shown.
    package private(set) var factors: [Factor] = []
    package private(set) var key: ShownKey?

    package init() {}

    /// Takes the login name of an attempt; false when it is not the name of the first: what was shown holds for that one only.
    package mutating func takes(login name: String) -> Bool {
        if login == nil { login = name }
        return login == name
    }

    /// A key was shown. It stays the first one whatever comes later.
    package mutating func show(_ shown: ShownKey) {
        guard key == nil else { return }
        key = shown
        factors.append(.publicKey)
    }

    /// A code was shown.
    package mutating func showCode() {
        guard !factors.contains(.code) else { return }
        factors.append(.code)
    }
}
