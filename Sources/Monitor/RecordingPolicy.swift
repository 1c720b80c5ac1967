package import Configuration
package import Control

/// The rule that says what of a session is recorded; pure.
package enum RecordingPolicy {
    /// Recordings that are written at a time, each by a process. One person cannot take all of them.
    package static let (limit, userLimit) = (2_048, 128)

    /// Whether one more recording may be written beside those of `users`, each named once for each of theirs.
    package static func hasPlace(for user: String, beside users: [String]) -> Bool {
        users.count < limit && users.count(where: { $0 == user }) < userLimit
    }

    /// What is recorded of a session.
    ///
    /// - Parameter isDemanded: a grant says that the user is recorded.
    /// - Returns: nil: the user may come only if recorded, and nothing is.
    package static func demand(_ configuration: Configuration, isDemanded: Bool) -> RecordingDemand? {
        switch (configuration.recordSessions, isDemanded) {
        case (.none, true): nil
        case (.none, false), (.required, false): RecordingDemand.none
        // Programs too: else a shell without a terminal would be the way round.
        case (.required, true), (.all, true):
            RecordingDemand(
                terminals: true, programs: true, input: configuration.recordsInput, isRequired: true)
        case (.all, false):
            RecordingDemand(
                terminals: true, programs: configuration.recordsCommands, input: configuration.recordsInput)
        }
    }
}
