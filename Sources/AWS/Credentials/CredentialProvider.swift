/// One source of credentials.
package protocol CredentialProvider: Sendable {
    /// Where it looks, for messages, such as `environment`.
    var name: String { get }

    /// Looks once, on the calling thread.
    ///
    /// - Returns: nil when this source is not set up here, so that the next one is asked.
    /// - Throws: `AWSError` when it is set up and does not work; then no other is asked.
    func load() throws(AWSError) -> Credentials?
}
