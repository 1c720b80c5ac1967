internal import Support

/// AWS Systems Manager: Run Command, its inventory, Parameter Store.
///
/// Every call blocks the calling thread and throws `AWSError`.
package struct SSMClient: Sendable {
    private let client: ServiceClient

    package init(_ session: AWSSession) {
        client = ServiceClient(service: "ssm", session: session)
    }

    /// Makes one call with a body and an answer in JSON.
    func call<Output: Decodable>(
        _ operation: String, _ input: some Encodable, isRepeatable: Bool = true, as type: Output.Type
    ) throws(AWSError) -> Output {
        do throws(AWSError) {
            let body = try AWSJSON.encode(input)
            let response = try client.call(operation, isRepeatable: isRepeatable) { request in
                request.setHeader("Content-Type", "application/x-amz-json-1.1")
                request.setHeader("X-Amz-Target", "AmazonSSM.\(operation)")
                request.body = body
            }
            return try AWSJSON.decode(type, from: response.body)
        } catch {
            throw error.during(operation, of: client.service)
        }
    }

    /// Makes calls until there are no more pages, or one of them is enough.
    func pages<Output: SSMPage>(
        of operation: String, as type: Output.Type, until isEnough: (Output) -> Bool = { _ in false },
        _ input: (String?) -> some Encodable
    ) throws(AWSError) -> [Output] {
        var pages: [Output] = []
        var token: String?
        repeat {
            let page = try call(operation, input(token), as: type)
            pages.append(page)
            if isEnough(page) { break }
            // A service that goes round in circles is not followed for ever.
            if page.nextToken == token || pages.count >= 10_000 { break }
            token = page.nextToken
        } while token?.isEmpty == false
        return pages
    }
}

/// One answer of several.
protocol SSMPage: Decodable {
    var nextToken: String? { get }
}
