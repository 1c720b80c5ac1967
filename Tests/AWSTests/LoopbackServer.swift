import Glibc
import Support

/// A web server on a loopback address, one request per connection, on a thread of its own.
///
/// Stops when the last reference goes.
final class LoopbackServer: Sendable {
    /// What it got: the first line, the other lines of the head, the body.
    struct Exchange: Sendable {
        let line: String
        let headers: [String]
        let body: [UInt8]

        func has(_ header: String) -> Bool {
            headers.contains { $0.lowercased() == header.lowercased() }
        }
    }

    let port: UInt16
    private let listener: Descriptor
    private let got = Locked<[Exchange]>([])

    /// - Parameter answer: gets a request and gives all the bytes that go back, the status line included.
    init(_ answer: @escaping @Sendable (Exchange) -> [UInt8]) throws {
        (listener, port) = try Self.listen()
        let (listener, got) = (listener, got)
        try Thread.start("web-server") {
            while let client = try? TCP.accept(from: listener).socket {
                guard let exchange = Self.read(client) else { continue }
                got.withLock { $0.append(exchange) }
                try? client.writeAll(answer(exchange))
                shutdown(client.number, Int32(SHUT_WR))
                // What is closed with bytes unread is reset, and the answer may be lost.
                var rest = [UInt8](repeating: 0, count: 4_096)
                while let count = try? client.read(into: &rest), count > 0 {}
            }
        }
    }

    deinit {
        shutdown(listener.number, Int32(SHUT_RDWR))
    }

    var address: String { "http://127.0.0.1:\(port)" }
    var exchanges: [Exchange] { got.withLock { $0 } }

    /// Ports above these are given to clients.
    static func listen() throws -> (socket: Descriptor, port: UInt16) {
        while true {
            let port = UInt16.random(in: 20_000...31_999)
            let address = TCPAddress(host: "127.0.0.1", port: port)
            do { return (try TCP.listen(on: address)[0], port) } catch {
                guard error == TCPError("address already in use") else { throw error }
            }
        }
    }

    private static func read(_ client: Descriptor) -> Exchange? {
        var input: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let end = Array("\r\n\r\n".utf8)
        while input.count < 1 << 22 {
            guard let count = try? client.read(into: &chunk), count > 0 else { return nil }
            input += chunk[..<count]
            guard let head = (0...max(0, input.count - 4)).first(where: { input[$0...].starts(with: end) })
            else { continue }
            let lines = String(decoding: input[..<head], as: UTF8.self).split(separator: "\r\n").map(
                String.init)
            let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) }
            while input.count < head + 4 + (length ?? 0) {
                guard let count = try? client.read(into: &chunk), count > 0 else { return nil }
                input += chunk[..<count]
            }
            return Exchange(
                line: lines[0], headers: Array(lines.dropFirst()), body: Array(input[(head + 4)...]))
        }
        return nil
    }
}

/// An answer as it goes over the wire.
func response(_ body: String, status: String = "200 OK", headers: [String] = []) -> [UInt8] {
    let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
}
