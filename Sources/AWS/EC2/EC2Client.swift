internal import Support

/// Amazon EC2, as much of it as hosts need.
///
/// Every call blocks the calling thread and throws `AWSError`.
package struct EC2Client: Sendable {
    private static let version = "2016-11-15"
    private let client: ServiceClient

    package init(_ session: AWSSession) {
        client = ServiceClient(service: "ec2", session: session)
    }

    /// The instances that fit.
    ///
    /// - Parameters:
    ///   - instanceIDs: only these; one that does not exist makes the call fail with `notFound`.
    ///   - filters: all of them must fit.
    package func describeInstances(
        instanceIDs: [String] = [], filters: [EC2Filter] = []
    ) throws(AWSError) -> [EC2Instance] {
        var items = Self.numbered("InstanceId", instanceIDs)
        for (index, filter) in filters.enumerated() {
            items.append(QueryItem("Filter.\(index + 1).Name", filter.name))
            items += Self.numbered("Filter.\(index + 1).Value", filter.values)
        }
        // EC2 does not page what is asked for by name.
        if instanceIDs.isEmpty { items.append(QueryItem("MaxResults", "1000")) }
        var instances: [EC2Instance] = []
        var token: String?
        for _ in 1...10_000 {
            let page = token.map { [QueryItem("NextToken", $0)] } ?? []
            let answer = try call("DescribeInstances", items + page)
            for reservation in answer.list("reservationSet") {
                instances += reservation.list("instancesSet").compactMap(EC2Instance.init)
            }
            // A service that goes round in circles is not followed for ever.
            guard let next = answer.string("nextToken"), next != token else { break }
            token = next
        }
        return instances
    }

    /// Starts instances that are stopped.
    package func startInstances(_ instanceIDs: [String]) throws(AWSError) -> [EC2StateChange] {
        try change("StartInstances", instanceIDs)
    }

    /// Stops instances.
    package func stopInstances(_ instanceIDs: [String]) throws(AWSError) -> [EC2StateChange] {
        try change("StopInstances", instanceIDs)
    }

    private func change(_ operation: String, _ instanceIDs: [String]) throws(AWSError) -> [EC2StateChange] {
        let answer = try call(operation, Self.numbered("InstanceId", instanceIDs))
        return answer.list("instancesSet").compactMap { entry in
            guard let id = entry.string("instanceId") else { return nil }
            return EC2StateChange(
                id: id, previous: .init(element: entry["previousState"]),
                current: .init(element: entry["currentState"]))
        }
    }

    private func call(_ operation: String, _ items: [QueryItem]) throws(AWSError) -> XMLElement {
        let form = [QueryItem("Action", operation), QueryItem("Version", Self.version)] + items
        do throws(AWSError) {
            let response = try client.call(operation) { request in
                request.setHeader("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
                request.body = Array(CanonicalRequest.query(form).utf8)
            }
            let answer = try XMLReader.parse(response.body)
            guard answer.name == "\(operation)Response" else {
                throw AWSError(.malformedResponse, "the answer is one to something else")
            }
            return answer
        } catch {
            throw error.during(operation, of: client.service)
        }
    }

    private static func numbered(_ name: String, _ values: [String]) -> [QueryItem] {
        values.enumerated().map { QueryItem("\(name).\($0.offset + 1)", $0.element) }
    }
}

extension EC2Instance {
    /// Nil for an element without an id.
    fileprivate init?(_ element: XMLElement) {
        guard let id = element.string("instanceId") else { return nil }
        self.id = id
        state = State(element: element["instanceState"])
        type = element.string("instanceType")
        imageID = element.string("imageId")
        launchTime = element.string("launchTime").flatMap { text in
            // EC2 writes milliseconds, which do not matter here.
            Timestamp(text.firstIndex(of: ".").map { text[..<$0] + "Z" } ?? text)
        }
        privateAddress = element.string("privateIpAddress")
        publicAddress = element.string("ipAddress")
        ipv6Address =
            element.list("networkInterfaceSet").lazy
            .flatMap { $0.list("ipv6AddressesSet") }.compactMap { $0.string("ipv6Address") }.first
        privateName = element.string("privateDnsName")
        availabilityZone = element["placement"]?.string("availabilityZone")
        networkID = element.string("vpcId")
        subnetID = element.string("subnetId")
        stateReason = element["stateReason"]?.string("message")
        tags = element.list("tagSet").reduce(into: [:]) { tags, entry in
            if let key = entry.string("key") { tags[key] = entry["value"]?.text ?? "" }
        }
    }
}

extension EC2Instance.State {
    fileprivate init(element: XMLElement?) {
        self = element?.string("name").flatMap(Self.init(rawValue:)) ?? .unknown
    }
}
