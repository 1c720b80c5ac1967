import AWS
import Support
import TestSupport
import Testing

/// The answer of a credential service.
private func answer(_ key: String, expires: String = "2026-01-31T18:00:00Z") -> String {
    """
    {"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"\(key)","SecretAccessKey":"S","Token":"T","Expiration":"\(expires)"}
    """
}

@Suite("Credentials of a container")
struct ContainerCredentialTests {
    private func load(
        _ variables: [String: String],
        _ transport: any HTTPTransport = FakeTransport([.success(.text(answer("AK")))])
    ) throws -> Credentials? {
        try ContainerCredentials(Environment(variables), transport: transport).load()
    }

    @Test("nothing set up: passed over")
    func absent() throws {
        #expect(try load([:]) == nil)
    }

    @Test("the relative address is that of ECS, and the token's file goes before the token")
    func relative() throws {
        let folder = try ScratchFolder()
        let transport = FakeTransport([.success(.text(answer("AK")))])
        let found = try load(
            [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials?id=a%2Fb",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": try folder.write("Bearer abc", to: "token"),
            ], transport)
        #expect(found?.accessKeyID == "AK")
        #expect(found?.sessionToken == "T")
        #expect(found?.expiration == Timestamp("2026-01-31T18:00:00Z"))
        let request = try #require(transport.requests.first)
        #expect(request.url.description == "http://169.254.170.2/v2/credentials?id=a%2Fb")
        #expect(request.header("Authorization") == "Bearer abc")
        #expect(!request.usesProxy)
    }

    @Test("over a real connection")
    func real() throws {
        let server = try LoopbackServer { _ in response(answer("AK")) }
        let found = try load(
            [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.address + "/creds",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "abc",
            ], CurlTransport())
        #expect(found?.accessKeyID == "AK")
        #expect(server.exchanges.first?.line == "GET /creds HTTP/1.1")
        #expect(server.exchanges.first?.has("Authorization: abc") == true)
    }

    @Test(
        "without TLS only addresses of this machine are asked",
        arguments: [
            ("http://127.0.0.1:80/", true), ("http://127.9.9.9/", true), ("http://localhost:1/", true),
            ("http://[::1]/", true), ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/", true), ("https://example.com/", true), ("http://example.com/", false),
            ("http://10.0.0.1/", false), ("http://127.0.0.1.example.com/", false),
            ("http://128.0.0.1/", false),
        ])
    func hosts(_ address: String, _ isTaken: Bool) throws {
        let variables = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": address]
        let refused = code { _ = try load(variables) }
        #expect(refused == (isTaken ? nil : .configuration))
    }

    @Test("a token with two lines, or a file that is not there, is an error")
    func tokens() throws {
        let folder = try ScratchFolder()
        let base = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"]
        for file in [try folder.write("a\r\nX: y", to: "token"), "\(folder.path)/none"] {
            let variables = base.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file]) { $1 }
            #expect(code { _ = try load(variables) } == .configuration)
        }
    }

    @Test(
        "an answer that is none is an error",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"AccessKeyId":"a"}"#, #"{"AccessKeyId":1,"SecretAccessKey":"s"}"#,
            #"{"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"soon"}"#,
            #"{"AccessKeyId":"a","SecretAccessKey":""}"#,
            #"{"Code":"AssumeRoleUnauthorizedAccess","Message":"no"}"#,
        ])
    func hostile(_ body: String) throws {
        let variables = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"]
        let transport = FakeTransport([.success(.text(body))])
        #expect(throws: AWSError.self) { _ = try load(variables, transport) }
    }

    @Test("an answer that is nested without end is an error")
    func nested() throws {
        let variables = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"]
        let body = String(repeating: #"{"a":"#, count: 10_000)
        let transport = FakeTransport([.success(.text(body))])
        #expect(code { _ = try load(variables, transport) } == .malformedResponse)
    }

    @Test("fractions of a second are taken")
    func fraction() throws {
        let transport = FakeTransport([.success(.text(answer("AK", expires: "2026-01-31T18:00:00.123Z")))])
        let found = try load(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"], transport)
        #expect(found?.expiration == Timestamp("2026-01-31T18:00:00Z"))
    }
}

@Suite("Credentials of an instance")
struct InstanceMetadataTests {
    /// A metadata service with a role that wants the token `right`.
    private func service(_ clock: FakeClock = FakeClock()) -> (FakeTransport, InstanceMetadata) {
        let transport = FakeTransport { (request, _) throws(AWSError) in
            if request.url.path.hasSuffix("/latest/api/token") {
                return request.method == "PUT" ? .text("right") : .text("", status: 405)
            }
            guard request.header("X-aws-ec2-metadata-token") == "right" else { return .text("", status: 401) }
            switch request.url.path {
            case "/latest/meta-data/iam/security-credentials/": return .text("a-role\n")
            case "/latest/meta-data/iam/security-credentials/a-role": return .text(answer("AK"))
            default: return .text("", status: 404)
            }
        }
        return (transport, InstanceMetadata(Environment([:]), transport: transport, now: { clock.now }))
    }

    @Test("a token first, then the role, then its keys")
    func loads() throws {
        let (transport, metadata) = service()
        #expect(try metadata.load()?.accessKeyID == "AK")
        #expect(
            transport.requests.map { "\($0.method) \($0.url)" } == [
                "PUT http://169.254.169.254/latest/api/token",
                "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/a-role",
            ])
        #expect(transport.requests.first?.header("X-aws-ec2-metadata-token-ttl-seconds") == "21600")
        #expect(transport.requests.allSatisfy { !$0.usesProxy && $0.timeout <= .seconds(2) })
    }

    @Test("the token is kept until shortly before its end")
    func keepsToken() throws {
        let clock = FakeClock()
        let (transport, metadata) = service(clock)
        _ = try metadata.load()
        clock.advance(.seconds(21_500))
        _ = try metadata.load()
        #expect(transport.requests.filter { $0.method == "PUT" }.count == 1)
        clock.advance(.seconds(50))
        _ = try metadata.load()
        #expect(transport.requests.filter { $0.method == "PUT" }.count == 2)
    }

    @Test("a token that the service has forgotten is replaced, once")
    func forgottenToken() throws {
        let transport = FakeTransport { (request, index) throws(AWSError) in
            request.method == "PUT" ? .text("token-\(index)") : .text("", status: 401)
        }
        let metadata = InstanceMetadata(Environment([:]), transport: transport)
        #expect(code { _ = try metadata.load() } == .noCredentials)
        #expect(transport.requests.map(\.method) == ["PUT", "GET", "PUT", "GET"])
    }

    @Test(
        "elsewhere than on EC2, and on an instance without a role, there are none", arguments: [true, false])
    func none(_ isReachable: Bool) throws {
        let transport = FakeTransport { (request, _) throws(AWSError) in
            guard isReachable else { throw AWSError(.unreachable, "nobody") }
            return request.method == "PUT" ? .text("token") : .text("", status: 404)
        }
        #expect(try InstanceMetadata(Environment([:]), transport: transport).load() == nil)
    }

    @Test("is not asked when it is switched off, and where the environment says")
    func settings() throws {
        let (transport, _) = service()
        let off = InstanceMetadata(Environment(["AWS_EC2_METADATA_DISABLED": "TRUE"]), transport: transport)
        #expect(try off.load() == nil)
        #expect(transport.requests.isEmpty)
        let elsewhere = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:7/base/"]
        _ = try InstanceMetadata(Environment(elsewhere), transport: transport).load()
        #expect(transport.requests.first?.url.description == "http://127.0.0.1:7/base/latest/api/token")
        let six = ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"]
        _ = try InstanceMetadata(Environment(six), transport: transport).load()
        #expect(transport.requests.last?.url.authority == "[fd00:ec2::254]")
    }

    @Test("a role's name cannot lead elsewhere")
    func roleName() throws {
        let transport = FakeTransport { (request, _) throws(AWSError) in
            request.method == "PUT"
                ? .text("token")
                : .text(request.url.path.hasSuffix("/security-credentials/") ? "../../x?y" : "{}")
        }
        _ = code { _ = try InstanceMetadata(Environment([:]), transport: transport).load() }
        #expect(
            transport.requests.last?.url.description
                == "http://169.254.169.254/latest/meta-data/iam/security-credentials/..%2F..%2Fx%3Fy")
    }
}

/// Gives what the test says, and counts.
private final class ScriptedProvider: CredentialProvider {
    let name = "script"
    private let answers: [Result<Credentials?, AWSError>]
    private let calls = Locked(0)

    init(_ answers: [Result<Credentials?, AWSError>]) {
        self.answers = answers
    }

    var callCount: Int { calls.withLock { $0 } }

    func load() throws(AWSError) -> Credentials? {
        let index = calls.withLock { count in
            count += 1
            return count - 1
        }
        return try answers[min(index, answers.count - 1)].get()
    }
}

@Suite("The credentials in use")
struct CredentialCacheTests {
    private let clock = FakeClock()

    private func keys(_ name: String, for lifetime: Duration?) throws -> Credentials {
        try Credentials(
            accessKeyID: name, secretAccessKey: "S", expiration: lifetime.map { clock.now + $0 },
            source: "test")
    }

    private func cache(_ providers: any CredentialProvider...) -> CredentialCache {
        CredentialCache(providers, now: { [clock] in clock.now })
    }

    @Test("the first provider that has some wins, and is not asked again while they are good")
    func order() throws {
        let none = ScriptedProvider([.success(nil)])
        let some = ScriptedProvider([.success(try keys("A", for: nil))])
        let other = ScriptedProvider([.success(try keys("B", for: nil))])
        let cache = cache(none, some, other)
        for _ in 1...3 { #expect(try cache.current().accessKeyID == "A") }
        #expect([none.callCount, some.callCount, other.callCount] == [1, 1, 0])
    }

    @Test("a provider that is set up and fails ends the search")
    func failing() throws {
        let broken = ScriptedProvider([.failure(AWSError(.configuration, "broken"))])
        let other = ScriptedProvider([.success(try keys("B", for: nil))])
        #expect(code { _ = try cache(broken, other).current() } == .configuration)
        #expect(code { _ = try cache(ScriptedProvider([.success(nil)])).current() } == .noCredentials)
    }

    @Test("they are loaded anew five minutes before their end")
    func renewal() throws {
        let provider = ScriptedProvider([
            .success(try keys("A", for: .seconds(3_600))), .success(try keys("B", for: .seconds(7_200))),
        ])
        let cache = cache(provider)
        #expect(try cache.current().accessKeyID == "A")
        clock.advance(.seconds(3_299))
        #expect(try cache.current().accessKeyID == "A")
        clock.advance(.seconds(1))
        #expect(try cache.current().accessKeyID == "B")
        #expect(provider.callCount == 2)
    }

    @Test("when loading fails the old ones serve to their end, and it is tried once a minute")
    func failedRenewal() throws {
        let provider = ScriptedProvider([
            .success(try keys("A", for: .seconds(3_600))), .failure(AWSError(.noCredentials, "away")),
        ])
        let cache = cache(provider)
        _ = try cache.current()
        clock.advance(.seconds(3_400))
        for _ in 1...5 { #expect(try cache.current().accessKeyID == "A") }
        #expect(provider.callCount == 2)
        clock.advance(.seconds(60))
        #expect(try cache.current().accessKeyID == "A")
        #expect(provider.callCount == 3)
        clock.advance(.seconds(140))
        #expect(code { _ = try cache.current() } == .noCredentials)
    }

    @Test("those that come with little time left are used, not asked for at each call")
    func shortLived() throws {
        let provider = ScriptedProvider([.success(try keys("A", for: .seconds(200)))])
        let cache = cache(provider)
        for _ in 1...5 { _ = try cache.current() }
        #expect(provider.callCount == 1)
    }

    @Test("those that AWS did not take are loaded anew, others are kept")
    func discarding() throws {
        let (old, new) = (try keys("A", for: nil), try keys("B", for: nil))
        let cache = cache(ScriptedProvider([.success(old), .success(new)]))
        #expect(try cache.current() == old)
        cache.discard(new)
        #expect(try cache.current() == old)
        cache.discard(old)
        #expect(try cache.current() == new)
    }

    @Test("many threads get them at once")
    func threads() throws {
        let provider = ScriptedProvider([.success(try keys("A", for: .seconds(3_600)))])
        let cache = cache(provider)
        let wrong = Locked(0)
        runInParallel(8) { _ in
            for _ in 0..<200 where (try? cache.current().accessKeyID) != "A" { wrong.withLock { $0 += 1 } }
        }
        #expect(wrong.withLock { $0 } == 0)
        #expect(provider.callCount <= 8)
    }
}
