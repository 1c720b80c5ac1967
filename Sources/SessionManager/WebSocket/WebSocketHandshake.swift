internal import COpenSSL
internal import Support

/// The upgrade of an HTTP connection, RFC 6455 sections 4.1 and 4.2.2.
package struct WebSocketHandshake {
    private static let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    /// More than this before the end of the header is no answer.
    static let answerByteLimit = 16_384

    private let key: String

    /// - Parameter nonce: 16 random bytes.
    package init(nonce: [UInt8]) {
        key = Base64.encode(nonce)
    }

    /// The request; `authority` and `target` are parts of an address that was checked.
    func request(authority: String, target: String) -> [UInt8] {
        Array(
            ("GET \(target) HTTP/1.1\r\nHost: \(authority)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8)
    }

    /// Reads the server's answer.
    ///
    /// - Returns: how many bytes it has, when it is whole and a consent; nil: more are needed.
    /// - Throws: `ChannelError`: `rejected` when the server does not consent.
    package func check(_ bytes: [UInt8]) throws(ChannelError) -> Int? {
        guard let end = Self.endOfHeader(bytes) else {
            guard bytes.count < Self.answerByteLimit else {
                throw ChannelError(.malformedMessage, "the stream's server does not answer as HTTP does")
            }
            return nil
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self)
            .split(omittingEmptySubsequences: false) { $0.isNewline }
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw ChannelError(.malformedMessage, "the stream's server does not answer as HTTP does")
        }
        guard status == 101 else {
            throw ChannelError(.rejected, "the stream's server turns the session away with status \(status)")
        }
        var accept: String?
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            if line[..<colon].lowercased() == "sec-websocket-accept" {
                accept = line[line.index(after: colon)...].filter { !$0.isWhitespace }
            }
        }
        guard accept == (try expectedAccept()) else {
            throw ChannelError(.malformedMessage, "the stream's server is no WebSocket server")
        }
        return end
    }

    private func expectedAccept() throws(ChannelError) -> String {
        let text = Array((key + Self.guid).utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        guard unsafe SHA1(text, text.count, &digest) != nil else {
            throw ChannelError(.encryption, "libcrypto has no SHA-1, which WebSocket needs")
        }
        return Base64.encode(digest)
    }

    private static func endOfHeader(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for end in 4...min(bytes.count, answerByteLimit)
        where bytes[(end - 4)..<end].elementsEqual([13, 10, 13, 10]) {
            return end
        }
        return nil
    }
}
