/// An address and a port, as people write them: `10.0.1.7`, `gpu1.internal:2222`, `[fd00::7]:22`, `fd00::7`.
package struct Endpoint: Equatable, Sendable, CustomStringConvertible {
    /// Without brackets.
    package let address: String
    package let port: UInt16

    package init(address: String, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads it.
    ///
    /// - Throws: `UsageError` for a port that is none; the directory judges the address.
    package init(_ text: String, defaultPort: UInt16 = 22) throws(UsageError) {
        let portText: Substring?
        if text.hasPrefix("["), let end = text.lastIndex(of: "]") {
            address = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw UsageError("'\(text)' is not an address") }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":"),
            text[text.index(after: colon)...].allSatisfy({ $0 != ":" })
        {
            address = String(text[..<colon])
            portText = text[text.index(after: colon)...]
        } else {
            address = text
            portText = nil
        }
        guard !address.isEmpty else { throw UsageError("'\(text)' has no address") }
        guard let portText else {
            port = defaultPort
            return
        }
        guard let port = UInt16(portText), port > 0 else {
            throw UsageError("'\(portText)' is not a port; ports are 1 to 65535")
        }
        self.port = port
    }

    package var description: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
