internal import AWS

/// The address of a stream: `wss://HOST/PATH?QUERY`, or `ws://` for a service on this machine.
struct StreamURL: Equatable {
    /// With http or https, for the connection.
    let base: HTTPURL
    /// Path and query, for the request's first line.
    let target: String

    /// - Throws: `ChannelError` with code `malformedMessage` for an address that cannot be used.
    init(_ text: String) throws(ChannelError) {
        let unusable = ChannelError(
            .malformedMessage, "the session's stream has an address that cannot be used")
        let scheme = text.prefix { $0 != ":" }
        let mark = text.firstIndex(of: "?") ?? text.endIndex
        guard scheme == "ws" || scheme == "wss", text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw unusable
        }
        let address = (scheme == "wss" ? "https" : "http") + text[..<mark].dropFirst(scheme.count)
        guard let base = try? HTTPURL(address, from: "the stream's address") else { throw unusable }
        // Without TLS the token would go over a network in the clear.
        guard scheme == "wss" || base.isLoopback else {
            throw ChannelError(.malformedMessage, "the session's stream is not encrypted (ws://)")
        }
        self.base = base
        target = base.path + text[mark...]
    }
}
