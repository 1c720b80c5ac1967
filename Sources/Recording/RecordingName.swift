package import Support

/// The name of a recording's file: its session's, and the number of the channel within it. Nothing of it comes from a peer.
package struct RecordingName: Hashable, Sendable, CustomStringConvertible {
    private static let suffix = ".cast.zst"
    /// No session has more recordings.
    package static let channelLimit = 10_000

    package let session: SessionID
    /// From 1 on, in the order in which programs were started.
    package let channel: Int

    package init(session: SessionID, channel: Int) {
        self.session = session
        self.channel = channel
    }

    /// Reads the name of a file back; nil for any other.
    package init?(_ text: String) {
        guard text.hasSuffix(Self.suffix) else { return nil }
        let fields = text.dropLast(Self.suffix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard fields.count == 2, let session = SessionID(String(fields[0])), let channel = Int(fields[1]),
            (1...Self.channelLimit).contains(channel), String(channel) == fields[1]
        else { return nil }
        self.init(session: session, channel: channel)
    }

    /// `SESSION.CHANNEL.cast.zst`.
    package var description: String { "\(session).\(channel)\(Self.suffix)" }
}

extension RecordingName: Comparable {
    /// By session, which is by time, then by channel.
    package static func < (left: Self, right: Self) -> Bool {
        (left.session.description, left.channel) < (right.session.description, right.channel)
    }
}
