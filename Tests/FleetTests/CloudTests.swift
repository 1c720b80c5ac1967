import AWS
import Fleet
import Testing

@Suite("The way to AWS")
struct CloudTests {
    private static let environment = Environment([
        "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
    ])

    @Test("goes by the environment unless the configuration names a region")
    func region() throws {
        #expect(try Cloud(environment: Self.environment).region() == "eu-west-1")
        let cloud = Cloud(.init(region: "eu-central-1"), environment: Self.environment)
        #expect(try cloud.region() == "eu-central-1")
        cloud.use(.init(region: "us-east-2"))
        #expect(try cloud.region() == "us-east-2")
    }

    @Test("is looked for only when it is needed, and again after it was not found")
    func lazy() throws {
        let cloud = Cloud(environment: Environment(["AWS_EC2_METADATA_DISABLED": "true"]))
        for _ in 1...2 {
            #expect { try cloud.region() } throws: { ($0 as? AWSError)?.code == .noRegion }
        }
        cloud.use(.init(region: "eu-central-1"))
        #expect(try cloud.region() == "eu-central-1")
    }

    @Test("a profile that is not there is said so")
    func profile() {
        let cloud = Cloud(.init(profile: "nobody"), environment: Self.environment)
        #expect { try cloud.region() } throws: { ($0 as? AWSError)?.code == .configuration }
    }
}
