package import Support

/// The credentials in use: found once along the chain, loaded anew before they expire.
///
/// Any thread may ask. While one loads in advance, the others go on with the old ones.
package final class CredentialCache: Sendable {
    private struct State {
        var credentials: Credentials?
        /// When someone loads anew though the old ones are still good.
        var renewal: Timestamp?
    }

    /// How long before their end credentials are loaded anew, and how soon after a failure to do so again.
    private static let leadTime = Duration.seconds(300)
    private static let retryDelay = Duration.seconds(60)

    private let providers: [any CredentialProvider]
    private let now: @Sendable () -> Timestamp
    private let state = Locked(State())

    /// - Parameter providers: asked in this order; the first that has credentials wins.
    package init(
        _ providers: [any CredentialProvider], now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.providers = providers
        self.now = now
    }

    /// Credentials that have not expired; may block while they are loaded.
    ///
    /// - Throws: `AWSError` with code `noCredentials` when no source has any, or what the source says.
    package func current() throws(AWSError) -> Credentials {
        let present = now()
        let usable = state.withLock { state -> Credentials? in
            guard let credentials = state.credentials else { return nil }
            guard let expiration = credentials.expiration, let renewal = state.renewal else {
                return credentials
            }
            if present >= expiration { return nil }
            if present < renewal { return credentials }
            // This thread loads; the others see a later time and do not.
            state.renewal = present + Self.retryDelay
            return nil
        }
        if let usable { return usable }
        do throws(AWSError) {
            return try load()
        } catch {
            let old = state.withLock { $0.credentials }
            if let old, let expiration = old.expiration, present < expiration { return old }
            throw error
        }
    }

    /// Says that AWS did not take these: they are loaded anew at the next call, unless that has happened already.
    package func discard(_ credentials: Credentials) {
        state.withLock { state in
            if state.credentials == credentials { state = State() }
        }
    }

    private func load() throws(AWSError) -> Credentials {
        for provider in providers {
            guard let credentials = try provider.load() else { continue }
            let renewal = credentials.expiration.map {
                Timestamp(milliseconds: $0.milliseconds - Self.leadTime.milliseconds)
            }
            // Those that come with less than the lead time left are asked about again, but not at once.
            let soonest = now() + Self.retryDelay
            state.withLock { state in
                state = State(credentials: credentials, renewal: renewal.map { max($0, soonest) })
            }
            return credentials
        }
        let names = providers.map(\.name).joined(separator: ", ")
        throw AWSError(.noCredentials, "no AWS credentials in any of: \(names)")
    }
}
