/// An address of the web: `http` or `https`, without user, password and fragment.
package struct HTTPURL: Equatable, Sendable {
    /// `http` or `https`.
    package let scheme: String

    /// A name or an address; IPv6 without brackets.
    package let host: String

    /// Nil for the scheme's own.
    package let port: UInt16?

    /// Begins with a slash; percent-encoded once, as it is sent.
    package var path: String

    /// Sent sorted, as it is signed.
    package var query: [QueryItem] = []

    /// Reads an address without a query.
    ///
    /// - Throws: `AWSError` with code `configuration`; `name` says where the text is from.
    package init(_ text: String, from name: String) throws(AWSError) {
        let unusable = AWSError(.configuration, "\(name) is not an address such as https://host:port/path")
        guard let separator = text.firstIndex(of: ":"), text[separator...].hasPrefix("://"),
            text.utf8.count <= 2_048, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw unusable }
        scheme = text[..<separator].lowercased()
        guard scheme == "http" || scheme == "https" else { throw unusable }
        let rest = text[separator...].dropFirst(3)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        guard !path.utf8.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }),
            let authority = Self.split(rest[..<slash])
        else { throw unusable }
        (host, port) = (
            authority.host, authority.port == (scheme == "https" ? 443 : 80) ? nil : authority.port
        )
    }

    private static func split(_ authority: Substring) -> (host: String, port: UInt16?)? {
        var host = authority
        var port: UInt16?
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[colon...].dropFirst()), number > 0 else { return nil }
            port = number
            host = authority[..<colon]
        }
        let isAddress = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
        if isAddress { host = host.dropFirst().dropLast() }
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): isAddress
            default: false
            }
        }
        return isName && !host.isEmpty ? (host.lowercased(), port) : nil
    }

    /// Host and port, as the header `Host` has them.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// This address with another path below it, encoded as given.
    package func appending(_ path: String) -> HTTPURL {
        var url = self
        url.path = (self.path.hasSuffix("/") ? String(self.path.dropLast()) : self.path) + path
        return url
    }
}

extension HTTPURL: CustomStringConvertible {
    /// The whole address, encoded.
    package var description: String {
        let text = "\(scheme)://\(authority)\(path)"
        return query.isEmpty ? text : "\(text)?\(CanonicalRequest.query(query))"
    }
}

extension HTTPURL {
    /// Whether the host is this machine, by number or as `localhost`.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts[0] == 127 && parts.allSatisfy { $0 != nil }
    }
}
