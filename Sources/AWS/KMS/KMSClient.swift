internal import Support

/// AWS Key Management Service: the one call that encrypted sessions need.
package struct KMSClient: Sendable {
    private let client: ServiceClient

    package init(_ session: AWSSession) {
        client = ServiceClient(service: "kms", session: session)
    }

    /// A key for data: in plain bytes for us, sealed for who may ask KMS to open it.
    package struct DataKey: Sendable {
        /// The key itself, a secret.
        package let plain: [UInt8]
        /// The same, encrypted by KMS.
        package let sealed: [UInt8]
    }

    /// Has KMS make a key. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - byteCount: the length of the plain key.
    ///   - context: what who opens the sealed key must name too.
    /// - Throws: `AWSError`.
    package func generateDataKey(
        keyID: String, byteCount: Int, context: [String: String]
    ) throws(AWSError) -> DataKey {
        let input = Input(keyId: keyID, numberOfBytes: byteCount, encryptionContext: context)
        do throws(AWSError) {
            let body = try AWSJSON.encode(input)
            let response = try client.call("GenerateDataKey") { request in
                request.setHeader("Content-Type", "application/x-amz-json-1.1")
                request.setHeader("X-Amz-Target", "TrentService.GenerateDataKey")
                request.body = body
            }
            let output = try AWSJSON.decode(Output.self, from: response.body)
            guard let plain = Base64.decode(output.plaintext),
                let sealed = Base64.decode(output.ciphertextBlob)
            else { throw AWSError(.malformedResponse, "the answer holds no key") }
            return DataKey(plain: plain, sealed: sealed)
        } catch {
            throw error.during("GenerateDataKey", of: "kms")
        }
    }
}

private struct Input: Encodable {
    let keyId: String
    let numberOfBytes: Int
    let encryptionContext: [String: String]
}

private struct Output: Decodable {
    let plaintext: String
    let ciphertextBlob: String
}
