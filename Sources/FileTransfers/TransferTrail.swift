/// Follows file transfers from beside a connection: takes what passes in both directions, and tells what became of each file.
///
/// An operation is told as soon as its confirmation has been taken: whoever passes those bytes on only after that has noted it before
/// anybody is told. What cannot be followed ends the trail, with the reason; it never keeps a byte from passing. Memory is
/// bounded whatever the peers send.
package protocol TransferTrail: AnyObject {
    /// Why nothing is followed any more; nil: all is.
    var trouble: String? { get }

    /// Takes what one end sent.
    ///
    /// - Returns: what is known now to be over.
    func take(_ bytes: ArraySlice<UInt8>, from peer: TransferPeer) -> [FileOperation]

    /// Takes the end of the connection.
    ///
    /// - Returns: what was under way.
    func end() -> [FileOperation]
}

/// Who sent something.
package enum TransferPeer: Sendable {
    case client, host

    var name: String {
        switch self {
        case .client: "the client"
        case .host: "the host"
        }
    }
}
