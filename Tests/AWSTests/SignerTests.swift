import AWS
import FoundationEssentials
import Support
import TestSupport
import Testing

@Suite("Signature Version 4")
struct SignerTests {
    /// Of AWS's documentation and its suite of test vectors.
    struct Published: Sendable, CustomTestStringConvertible {
        let name: String
        var method = "GET"
        var path = "/"
        var query: [QueryItem] = []
        var headers: [HTTPHeader] = []
        var body = ""
        let signature: String

        var testDescription: String { name }
    }

    static let form = HTTPHeader("Content-Type", "application/x-www-form-urlencoded")

    static let published = [
        Published(
            name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        Published(
            name: "get-vanilla-empty-query-key", query: [QueryItem("Param1", "value1")],
            signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        Published(
            name: "get-vanilla-query-order-key-case",
            query: [QueryItem("Param2", "value2"), QueryItem("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Published(
            name: "get-vanilla-utf8-query", query: [QueryItem("ሴ", "bar")],
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        Published(
            name: "get-header-value-trim",
            headers: [HTTPHeader("My-Header1", " value1"), HTTPHeader("My-Header2", #" "a   b   c""#)],
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        Published(
            name: "get-slashes", path: "//example//",
            signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        Published(
            name: "get-slash-pointless-dot", path: "/./example",
            signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
        Published(
            name: "get-relative-relative", path: "/example1/example2/../..",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Published(
            name: "post-vanilla", method: "POST",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        Published(
            name: "post-header-key-sort", method: "POST", headers: [HTTPHeader("My-Header1", "value1")],
            signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        Published(
            name: "post-x-www-form-urlencoded", method: "POST", headers: [form], body: "Param1=value1",
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ]

    @Test("gives the signatures that AWS has published", arguments: published)
    func publishedVectors(_ vector: Published) throws {
        var url = try HTTPURL("https://example.amazonaws.com\(vector.path)", from: "test")
        url.query = vector.query
        let request = HTTPRequest(
            vector.method, url, headers: vector.headers, body: Array(vector.body.utf8))
        let signed = try Signer(service: "service", region: "us-east-1").sign(
            request, with: try .example(), at: try #require(Timestamp("2015-08-30T12:36:00Z")))
        let authorization = try #require(signed.header("Authorization"))
        #expect(authorization.hasSuffix("Signature=\(vector.signature)"), "\(authorization)")
    }

    @Test("gives the signature of the documentation's GET Object")
    func documentedObject() throws {
        let credentials = try Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", source: "test")
        let request = HTTPRequest(
            "GET", try HTTPURL("https://examplebucket.s3.amazonaws.com/test.txt", from: "test"),
            headers: [HTTPHeader("Range", "bytes=0-9")])
        let signed = try Signer(service: "s3", region: "us-east-1").sign(
            request, with: credentials, at: try #require(Timestamp("2013-05-24T00:00:00Z")))
        #expect(
            signed.header("Authorization")
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    @Test("agrees with botocore about awkward requests", arguments: try SignatureTable.read().cases)
    func botocore(_ entry: SignatureTable.Entry) throws {
        let table = try SignatureTable.read()
        let credentials = try Credentials(
            accessKeyID: table.accessKeyID, secretAccessKey: table.secretAccessKey, sessionToken: entry.token,
            source: "test")
        var url = try HTTPURL(entry.url, from: "test")
        url.query = entry.query.map { QueryItem($0[0], $0[1]) }
        let request = HTTPRequest(
            entry.method, url, headers: entry.headers.map { HTTPHeader($0[0], $0[1]) },
            body: Array(entry.body.utf8))
        let payload: Signer.Payload =
            switch entry.payload {
            case nil: .body
            case "UNSIGNED-PAYLOAD": .unsigned
            case .some(let digest): .digest(digest)
            }
        let signed = try Signer(service: entry.service, region: entry.region).sign(
            request, payload: payload, with: credentials, at: try #require(Timestamp(table.time)))
        #expect(signed.header("Authorization") == entry.authorization)
    }

    @Test("replaces the headers of an earlier signature")
    func signsAgain() throws {
        let signer = Signer(service: "ssm", region: "eu-central-1")
        let request = HTTPRequest("POST", try HTTPURL("https://ssm.eu-central-1.amazonaws.com", from: "test"))
        let (first, second) = (Timestamp(milliseconds: 1_000_000_000), Timestamp(milliseconds: 2_000_000_000))
        let once = try signer.sign(request, with: try .example(token: "a-session-token"), at: second)
        let twice = try signer.sign(
            try signer.sign(request, with: try .example(token: "an-older-token"), at: first),
            with: try .example(token: "a-session-token"), at: second)
        #expect(once.headers == twice.headers)
        #expect(twice.headers.count == 3)
    }
}

/// The file that Fixtures/generate_signatures.py has written.
struct SignatureTable: Decodable, Sendable {
    struct Entry: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let method: String
        let url: String
        let service: String
        let region: String
        let query: [[String]]
        let headers: [[String]]
        let body: String
        let token: String?
        let payload: String?
        let authorization: String

        var testDescription: String { name }
    }

    let time: String
    let accessKeyID: String
    let secretAccessKey: String
    let cases: [Entry]

    static func read() throws -> SignatureTable {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let bytes = try Descriptor.open("/\(folder)/Fixtures/signatures.json", 0).readAll(limit: 1 << 22)
        return try JSONDecoder().decode(Self.self, from: Data(bytes))
    }
}

extension HTTPRequest {
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

extension Credentials {
    /// Those of AWS's test vectors.
    static func example(token: String? = nil, expiration: Timestamp? = nil) throws -> Credentials {
        try Credentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            sessionToken: token, expiration: expiration, source: "test")
    }
}
