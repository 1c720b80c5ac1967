import AWS
import Support
import TestSupport
import Testing

@Suite("The transport on libcurl")
struct CurlTransportTests {
    private let transport = CurlTransport()

    private func request(
        _ server: LoopbackServer, _ method: String = "GET", path: String = "/", body: String = ""
    ) throws -> HTTPRequest {
        var request = HTTPRequest(
            method, try HTTPURL(server.address + path, from: "test"), body: Array(body.utf8))
        request.usesProxy = false
        return request
    }

    @Test("sends what was signed, and nothing of its own that matters")
    func sends() throws {
        let server = try LoopbackServer { _ in response("fine", headers: ["X-Test:  a b "]) }
        var request = try request(server, "POST", path: "/a//b/../%2F%C3%A9", body: "hello")
        request.url.query = [QueryItem("z", ""), QueryItem("a", "b c")]
        request.headers = [HTTPHeader("X-One", "1"), HTTPHeader("X-Empty", "")]
        let answer = try transport.send(request)
        #expect(answer.status == 200)
        #expect(answer.body == Array("fine".utf8))
        #expect(answer.header("x-test") == "a b")
        let exchange = try #require(server.exchanges.first)
        #expect(exchange.line == "POST /a//b/../%2F%C3%A9?a=b%20c&z= HTTP/1.1")
        #expect(exchange.body == Array("hello".utf8))
        #expect(
            exchange.headers.sorted() == [
                "Content-Length: 5", "Host: 127.0.0.1:\(server.port)", "X-Empty:", "X-One: 1",
            ])
    }

    @Test("sends every method", arguments: ["GET", "PUT", "POST", "DELETE"])
    func methods(_ method: String) throws {
        let server = try LoopbackServer { _ in response("") }
        #expect(try transport.send(try request(server, method)).body.isEmpty)
        #expect(server.exchanges.map(\.line) == ["\(method) / HTTP/1.1"])
    }

    @Test("sends a large body without asking first")
    func largeBody() throws {
        let server = try LoopbackServer { exchange in response(String(exchange.body.count)) }
        let body = String(repeating: "x", count: 2 << 20)
        #expect(try transport.send(try request(server, "POST", body: body)).body == Array("2097152".utf8))
        #expect(server.exchanges.first?.has("Expect: 100-continue") == false)
    }

    @Test("gives back a status that is an error, and follows no redirect", arguments: [301, 400, 403, 503])
    func statuses(_ status: Int) throws {
        let server = try LoopbackServer { _ in
            response("x", status: "\(status) Some Words", headers: ["Location: http://127.0.0.1:1/"])
        }
        #expect(try transport.send(try request(server)).status == status)
        #expect(server.exchanges.count == 1)
    }

    @Test("reads no more than the limit")
    func limit() throws {
        let server = try LoopbackServer { _ in response(String(repeating: "x", count: 100_001)) }
        var request = try request(server)
        request.maximumResponseByteCount = 100_001
        #expect(try transport.send(request).body.count == 100_001)
        request.maximumResponseByteCount = 100_000
        #expect(code { _ = try transport.send(request) } == .responseTooLarge)
    }

    @Test("reads no endless head")
    func endlessHead() throws {
        let server = try LoopbackServer { _ in
            response("", headers: (1...3_000).map { "X-\($0): 01234567890123456789012345678901" })
        }
        #expect(code { _ = try transport.send(try request(server)) } == .responseTooLarge)
    }

    @Test("tells an answer that is cut off")
    func cutOff() throws {
        let server = try LoopbackServer { _ in
            Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".utf8)
        }
        #expect(code { _ = try transport.send(try request(server)) } == .interrupted)
    }

    @Test("tells an answer that is none")
    func noAnswer() throws {
        let server = try LoopbackServer { _ in [] }
        #expect(code { _ = try transport.send(try request(server)) } == .interrupted)
    }

    @Test("tells that nobody listens")
    func nobody() throws {
        let url = try HTTPURL("http://127.0.0.1:1", from: "test")
        var request = HTTPRequest("GET", url)
        request.usesProxy = false
        #expect(code { _ = try transport.send(request) } == .unreachable)
    }

    @Test("does not wait longer than it may")
    func timeOut() throws {
        // Listens and never accepts.
        let listener = try LoopbackServer.listen()
        var request = HTTPRequest("GET", try HTTPURL("http://127.0.0.1:\(listener.port)", from: "test"))
        request.usesProxy = false
        request.timeout = .milliseconds(50)
        #expect(code { _ = try transport.send(request) } == .interrupted)
    }

    @Test(
        "refuses what would forge a line",
        arguments: [
            HTTPHeader("X", "a\r\nB: c"), HTTPHeader("X\nY", "a"), HTTPHeader("", "a"),
            HTTPHeader("X:", "a"), HTTPHeader("X", "\u{0}"),
        ])
    func injection(_ header: HTTPHeader) throws {
        let server = try LoopbackServer { _ in response("") }
        var request = try request(server)
        request.headers = [header]
        #expect(code { _ = try transport.send(request) } == .invalidRequest)
        #expect(server.exchanges.isEmpty)
    }

    @Test("serves many threads at once")
    func threads() throws {
        let server = try LoopbackServer { exchange in response(String(decoding: exchange.body, as: UTF8.self))
        }
        let wrong = Locked(0)
        runInParallel(8) { index in
            for round in 0..<5 {
                let text = "\(index) \(round)"
                let answer = try? transport.send(try request(server, "POST", body: text))
                if answer?.body != Array(text.utf8) { wrong.withLock { $0 += 1 } }
            }
        }
        #expect(wrong.withLock { $0 } == 0)
        #expect(server.exchanges.count == 40)
    }
}

@Suite("An address")
struct HTTPURLTests {
    @Test(
        "is taken apart and put together",
        arguments: [
            ("https://example.com", "https://example.com/", "example.com"),
            ("HTTP://Example.COM:80/", "http://example.com/", "example.com"),
            ("https://example.com:80/a/b", "https://example.com:80/a/b", "example.com:80"),
            ("http://[FD00::1]:8080/x", "http://[fd00::1]:8080/x", "[fd00::1]:8080"),
            ("http://127.0.0.1:5200", "http://127.0.0.1:5200/", "127.0.0.1:5200"),
        ])
    func reads(_ text: String, _ whole: String, _ authority: String) throws {
        let url = try HTTPURL(text, from: "test")
        #expect(url.description == whole)
        #expect(url.authority == authority)
    }

    @Test(
        "is refused when it is none",
        arguments: [
            "", "example.com", "ftp://example.com", "file:///etc/passwd", "http://", "http:///x",
            "http://a b",
            "http://user@example.com", "http://user:secret@example.com", "http://example.com:0",
            "http://example.com:65536", "http://example.com:x", "http://example.com/?a",
            "http://example.com/#a",
            "http://[::1", "http://::1", "http://[]", "http://exa\nmple.com", "http://é.com",
            "http://a%41.com",
        ])
    func refuses(_ text: String) {
        #expect(code { _ = try HTTPURL(text, from: "test") } == .configuration)
    }
}

/// The code of the `AWSError` that `body` throws.
func code(_ body: () throws -> Void) -> AWSError.Code? {
    do { try body() } catch { return (error as? AWSError)?.code }
    return nil
}
