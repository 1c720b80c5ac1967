internal import Support

extension SSMClient {
    /// The instances whose agents have presented themselves.
    ///
    /// - Parameter filters: all of them must fit; none for every instance.
    package func describeInstanceInformation(
        filters: [SSMFilter] = []
    ) throws(AWSError) -> [ManagedInstance] {
        let pages = try pages(of: "DescribeInstanceInformation", as: InformationOutput.self) { token in
            InformationInput(filters: filters.isEmpty ? nil : filters, nextToken: token)
        }
        return pages.flatMap { $0.instanceInformationList ?? [] }.map { entry in
            ManagedInstance(
                id: entry.instanceId, pingStatus: entry.pingStatus ?? "",
                lastPing: Timestamp(awsSeconds: entry.lastPingDateTime), agentVersion: entry.agentVersion,
                platformType: entry.platformType, platformName: entry.platformName,
                platformVersion: entry.platformVersion, address: entry.address,
                computerName: entry.computerName)
        }
    }

    /// Reads a parameter; a secret one comes decrypted.
    package func getParameter(_ name: String) throws(AWSError) -> StoredParameter {
        let output = try call(
            "GetParameter", GetParameterInput(name: name, withDecryption: true), as: GetParameterOutput.self)
        return StoredParameter(
            name: output.parameter.name ?? name, value: output.parameter.value,
            version: output.parameter.version ?? 0)
    }

    /// Writes a parameter.
    ///
    /// - Parameters:
    ///   - isSecret: encrypted by KMS with the account's own key.
    ///   - overwriting: whether one that is there is replaced; else it is `rejected` with `ParameterAlreadyExists`.
    /// - Returns: its new version.
    @discardableResult
    package func putParameter(
        _ name: String, value: String, isSecret: Bool, overwriting: Bool
    ) throws(AWSError) -> Int {
        let input = PutParameterInput(
            name: name, value: value, type: isSecret ? "SecureString" : "String", overwrite: overwriting)
        // Asked twice, it would find its own first attempt in the way.
        return try call("PutParameter", input, isRepeatable: overwriting, as: PutParameterOutput.self).version
            ?? 0
    }
}

private struct InformationInput: Encodable {
    let filters: [SSMFilter]?
    let nextToken: String?
    var maxResults = 50
}

private struct InformationOutput: SSMPage {
    struct Entry: Decodable {
        let instanceId: String
        let pingStatus: String?
        let lastPingDateTime: Double?
        let agentVersion: String?
        let platformType: String?
        let platformName: String?
        let platformVersion: String?
        let address: String?
        let computerName: String?

        // As they are once the first letter is a small one.
        enum CodingKeys: String, CodingKey {
            case instanceId, pingStatus, lastPingDateTime, agentVersion, platformType, platformName
            case platformVersion, computerName
            case address = "iPAddress"
        }
    }
    let instanceInformationList: [Entry]?
    let nextToken: String?
}

private struct GetParameterInput: Encodable {
    let name: String
    let withDecryption: Bool
}

private struct GetParameterOutput: Decodable {
    struct Parameter: Decodable {
        let name: String?
        let value: String
        let version: Int?
    }
    let parameter: Parameter
}

private struct PutParameterInput: Encodable {
    let name: String
    let value: String
    let type: String
    let overwrite: Bool
}

private struct PutParameterOutput: Decodable {
    let version: Int?
}
