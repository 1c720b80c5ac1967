package import Support

/// A socket on its way to a thread, which takes it out: then nobody else holds it.
package final class Parcel: Sendable {
    private let content: Locked<Descriptor?>

    package init(_ client: Descriptor) {
        content = Locked(client)
    }

    /// The socket; nil: it has been taken.
    package func take() -> Descriptor? {
        content.withLock { content in
            defer { content = nil }
            return content
        }
    }
}
