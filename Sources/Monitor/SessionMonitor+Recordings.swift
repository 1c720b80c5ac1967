import Audit
import Configuration
import Control
import Directory
import Recording
import Support

extension SessionMonitor {
    /// What of this session is recorded.
    ///
    /// - Returns: nil: it has to be, and nothing is.
    func recordingDemand(_ rights: Rights) -> RecordingDemand? {
        RecordingPolicy.demand(settings.configuration, isDemanded: rights.record)
    }

    /// Starts a recorder for a program that is about to run.
    func record(_ request: RecordingRequest) throws -> (SessionReply, [Descriptor]) {
        guard let login else { throw Violation(description: "nobody has logged in") }
        guard recordings < RecordingName.channelLimit else {
            return (.refused(reason: "this session has too many recordings"), [])
        }
        recordings += 1
        let subject = RecordingDesk.Subject(
            session: session, channel: recordings, user: login.user.name, host: login.host, address: peer.host
        )
        do {
            let socket = try gateway.recordings.open(
                request, of: subject, limit: settings.configuration.recordingLimit)
            return (.recording, [socket])
        } catch let error as RecordingDesk.Obstacle {
            return (.refused(reason: error.sentence), [])
        }
    }
}
