internal import Support

/// Amazon S3: the one call that keeps something there.
package struct S3Client: Sendable {
    private let client: ServiceClient

    package init(_ session: AWSSession) {
        client = ServiceClient(service: "s3", session: session)
    }

    /// Stores an object, in place of one of the same name. Blocks the calling thread.
    ///
    /// - Parameter key: of letters, digits and `-._/`.
    /// - Throws: `AWSError`.
    package func put(_ body: [UInt8], as key: String, in bucket: String) throws(AWSError) {
        // Buckets that lock their objects want it.
        let checksum = Base64.encode(try Digest.sha256(body))
        _ = try client.call("PutObject") { request in
            request.method = "PUT"
            let root = request.url.path.hasSuffix("/") ? request.url.path : request.url.path + "/"
            request.url.path = "\(root)\(bucket)/\(key)"
            request.setHeader("Content-Type", "text/plain; charset=utf-8")
            request.setHeader("X-Amz-Checksum-Sha256", checksum)
            request.body = body
        }
    }
}
