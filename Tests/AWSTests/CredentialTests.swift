import AWS
import Support
import TestSupport
import Testing

@Suite("Credentials from environment and files")
struct CredentialTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    /// An environment whose files are those of the folder.
    private func environment(
        credentials: String? = nil, config: String? = nil, _ variables: [String: String] = [:]
    ) throws -> Environment {
        var all = [
            "AWS_SHARED_CREDENTIALS_FILE": "\(folder.path)/credentials",
            "AWS_CONFIG_FILE": "\(folder.path)/config",
        ]
        if let credentials { _ = try folder.write(credentials, to: "credentials") }
        if let config { _ = try folder.write(config, to: "config") }
        all.merge(variables) { _, given in given }
        return Environment(all)
    }

    @Test("the environment gives them, with or without a token")
    func fromEnvironment() throws {
        var variables = ["AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"]
        var found = try #require(try EnvironmentCredentials(Environment(variables)).load())
        #expect(found.accessKeyID == "AK" && found.secretAccessKey == "SK" && found.sessionToken == nil)
        variables["AWS_SESSION_TOKEN"] = "ST"
        found = try #require(try EnvironmentCredentials(Environment(variables)).load())
        #expect(found.sessionToken == "ST")
    }

    @Test("an environment that has half of them is an error, one that has none is passed over")
    func halfAnEnvironment() throws {
        #expect(try EnvironmentCredentials(Environment([:])).load() == nil)
        #expect(try EnvironmentCredentials(Environment(["AWS_ACCESS_KEY_ID": ""])).load() == nil)
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let half = EnvironmentCredentials(Environment([name: "x", "AWS_SESSION_TOKEN": "x"]))
            #expect(code { _ = try half.load() } == .configuration)
        }
    }

    @Test(
        "another process hands them over, until they have expired",
        arguments: [nil, Timestamp("2026-01-31T09:05:00Z")])
    func handedOver(_ expiration: Timestamp?) throws {
        let credentials = try Credentials(
            accessKeyID: "AKIA1", secretAccessKey: "secret/+=", sessionToken: "token", expiration: expiration,
            source: "test")
        let bytes = try HandedCredentials.encode(credentials)
        let early = try HandedCredentials(decoding: bytes, now: { Timestamp(milliseconds: 0) })
        #expect(try early.load() == credentials)
        let late = try HandedCredentials(decoding: bytes, now: { .now + .seconds(86_400 * 3_650) })
        #expect(try late.load() == (expiration == nil ? credentials : nil))
        #expect(throws: AWSError.self) { try HandedCredentials(decoding: Array("{}".utf8)) }
    }

    @Test("keys that could forge a header are refused without being shown")
    func forgedKey() {
        let environment = Environment(["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s3cr3t\r\nX: y"])
        #expect {
            _ = try EnvironmentCredentials(environment).load()
        } throws: { error in
            !"\(error)".contains("s3cr3t")
        }
    }

    @Test("the credentials file wins over the config file, setting by setting")
    func merging() throws {
        let environment = try environment(
            credentials: "[default]\naws_access_key_id = AK1\naws_secret_access_key = SK1\n",
            config: "[default]\naws_access_key_id = AK2\nregion = eu-west-1\n")
        #expect(try ProfileCredentials(environment).load()?.accessKeyID == "AK1")
        #expect(try SharedFiles(environment).profile?["region"] == "eu-west-1")
    }

    @Test("AWS_PROFILE chooses a profile, which the config file calls by another name")
    func choosing() throws {
        let files = """
            # comment
            [default]
            aws_access_key_id=AK0
            aws_secret_access_key=SK0

            [work]
            aws_access_key_id = AK1   ; a remark
            aws_secret_access_key = S+K/1=
            AWS_SESSION_TOKEN =ST1#not-a-remark
            s3 =
              max_concurrent_requests = 20
            """
        let config = "[profile  \"work\"]\nregion = eu-central-1\n[work]\nregion = wrong\n"
        let environment = try environment(credentials: files, config: config, ["AWS_PROFILE": "work"])
        let found = try #require(try ProfileCredentials(environment).load())
        #expect(found.accessKeyID == "AK1")
        #expect(found.secretAccessKey == "S+K/1=")
        #expect(found.sessionToken == "ST1#not-a-remark")
        #expect(try SharedFiles(environment).profile?["region"] == "eu-central-1")
    }

    @Test("files that are not there are passed over, a profile that is not there is not")
    func absent() throws {
        #expect(try ProfileCredentials(try environment()).load() == nil)
        let chosen = try environment(credentials: "[default]\n", ["AWS_PROFILE": "nobody"])
        #expect(code { _ = try ProfileCredentials(chosen).load() } == .configuration)
    }

    @Test("the files are those of the home folder when nothing names others")
    func home() throws {
        _ = try Tool("/bin/mkdir", ["\(folder.path)/.aws"])
        _ = try folder.write(
            "[default]\naws_access_key_id=AK\naws_secret_access_key=SK\n", to: ".aws/credentials")
        let environment = Environment(["HOME": folder.path])
        #expect(try ProfileCredentials(environment).load()?.accessKeyID == "AK")
    }

    @Test("changed files are taken up without a restart")
    func changed() throws {
        let provider = ProfileCredentials(
            try environment(credentials: "[default]\naws_access_key_id=A\naws_secret_access_key=S\n"))
        #expect(try provider.load()?.accessKeyID == "A")
        _ = try folder.write("[default]\naws_access_key_id=B\naws_secret_access_key=S\n", to: "credentials")
        #expect(try provider.load()?.accessKeyID == "B")
    }

    @Test(
        "a damaged file is told by its line, without the line",
        arguments: [
            ("aws_secret_access_key=s3cr3t\n", 1), ("[default]\ns3cr3t\n", 2), ("[default]\n\n[s3cr3t\n", 3),
        ])
    func damaged(_ text: String, _ line: Int) throws {
        let environment = try environment(credentials: text)
        #expect {
            _ = try ProfileCredentials(environment).load()
        } throws: { error in
            (error as? AWSError)?.code == .configuration && "\(error)".contains("credentials line \(line): ")
                && !"\(error)".contains("s3cr3t")
        }
    }

    @Test("a file of bytes, a huge file and a folder are refused")
    func notFiles() throws {
        let bytes = try environment(credentials: "[default]\n")
        try Descriptor.open("\(folder.path)/credentials", 1).writeAll([0xFF, 0xFE, 0x00])
        #expect(code { _ = try ProfileCredentials(bytes).load() } == .configuration)
        let huge = try environment(credentials: String(repeating: "#", count: (1 << 20) + 1))
        #expect(code { _ = try ProfileCredentials(huge).load() } == .configuration)
        let directory = try environment(["AWS_CONFIG_FILE": folder.path])
        #expect(code { _ = try ProfileCredentials(directory).load() } == .configuration)
    }

    @Test("a profile that leads to other credentials is an error that says so")
    func unsupported() throws {
        let environment = try environment(config: "[default]\nrole_arn = arn:aws:iam::1:role/x\n")
        #expect {
            _ = try ProfileCredentials(environment).load()
        } throws: { error in
            "\(error)".contains("role_arn")
        }
    }

    @Test("whatever prints them shows no secret")
    func redaction() throws {
        let credentials = try Credentials(
            accessKeyID: "AKID", secretAccessKey: "the-secret", sessionToken: "the-token", source: "test")
        var dumped = ""
        dump(credentials, to: &dumped)
        dump(["key": [credentials]], to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
            #expect(text.contains("AKID"))
            #expect(!text.contains("the-secret") && !text.contains("the-token"), "\(text)")
        }
    }

    @Test("nor does what they pass through")
    func redactionInPassing() throws {
        let secrets =
            "[default]\naws_access_key_id=AK\naws_secret_access_key=the-secret\naws_session_token=the-token\n"
        let environment = try environment(credentials: secrets, ["AWS_SECRET_ACCESS_KEY": "the-secret"])
        let credentials = try #require(try ProfileCredentials(environment).load())
        let request = HTTPRequest(
            "POST", try HTTPURL("https://example.com/a", from: "test"), body: Array("the-secret".utf8))
        let signed = try Signer(service: "ssm", region: "eu-central-1").sign(
            request, with: credentials, at: Timestamp(milliseconds: 0))
        let parts: [Any] = [
            environment, ProfileCredentials(environment), try SharedFiles(environment), signed,
            HTTPResponse.text("the-secret"), EnvironmentCredentials(environment),
        ]
        for part in parts {
            var text = "\(part) \(String(reflecting: part))"
            dump(part, to: &text)
            #expect(!text.contains("the-secret") && !text.contains("the-token"), "\(text)")
        }
    }

    @Test("region: variable, then profile, then instance, then none")
    func region() throws {
        let metadata = FakeTransport { (request, _) throws(AWSError) in
            switch request.url.path {
            case "/latest/api/token": .text("token")
            case "/latest/meta-data/placement/region": .text("ap-south-1")
            default: .text("", status: 404)
            }
        }
        let nobody = FakeTransport([.failure(AWSError(.unreachable, "nobody"))])
        let config = "[default]\nregion = eu-west-1\n"
        func chosen(
            _ transport: FakeTransport, config: String, _ variables: [String: String] = [:]
        ) throws -> String {
            try AWSSession.standard(try environment(config: config, variables), transport: transport).region
        }
        let both = ["AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1"]
        #expect(try chosen(nobody, config: config, both) == "eu-central-1")
        #expect(try chosen(nobody, config: config, ["AWS_DEFAULT_REGION": "us-east-1"]) == "us-east-1")
        #expect(try chosen(nobody, config: config) == "eu-west-1")
        #expect(try chosen(metadata, config: "") == "ap-south-1")
        #expect(code { _ = try chosen(nobody, config: "") } == .noRegion)
        for bad in ["evil.example", "a b", "-", "EU", String(repeating: "a", count: 64)] {
            #expect(code { _ = try chosen(nobody, config: "", ["AWS_REGION": bad]) } == .configuration)
        }
    }

    @Test("address of a service: own variable, then the general one, then profile, then AWS's")
    func endpoints() throws {
        func url(_ region: String, config: String = "", _ variables: [String: String] = [:]) throws -> String
        {
            let environment = try environment(config: config, variables)
            let profile = try SharedFiles(environment).profile
            return try Endpoints(region: region, environment: environment, profile: profile).url(of: "ssm")
                .description
        }
        let config = "[default]\nendpoint_url = http://127.0.0.1:3\n"
        let general = [
            "AWS_ENDPOINT_URL": "http://127.0.0.1:2", "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:9",
        ]
        let own = general.merging(["AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1/x"]) { $1 }
        #expect(try url("eu-central-1", config: config, own) == "http://127.0.0.1:1/x")
        #expect(try url("eu-central-1", config: config, general) == "http://127.0.0.1:2/")
        #expect(try url("eu-central-1", config: config) == "http://127.0.0.1:3/")
        #expect(try url("eu-central-1") == "https://ssm.eu-central-1.amazonaws.com/")
        #expect(try url("cn-north-1") == "https://ssm.cn-north-1.amazonaws.com.cn/")
        let ignored = own.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
        #expect(
            try url("us-gov-west-1", config: config, ignored) == "https://ssm.us-gov-west-1.amazonaws.com/")
        #expect(code { _ = try url("eu-central-1", ["AWS_ENDPOINT_URL": "nonsense"]) } == .configuration)
    }
}
