package import Authorization
package import Support

/// Somebody asks to reach a host or pool for a while.
package struct AccessRequest: Equatable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        case open, approved, denied, revoked
    }

    /// How long an answer is waited for; who still wants it then asks again.
    package static let patience = Duration.seconds(7 * 86_400)
    /// What may be asked for, in seconds.
    package static let durations: ClosedRange<Int64> = 60...30 * 86_400
    /// Open ones of a user at a time.
    package static let openLimit = 5
    /// Decided ones are kept so long; the event log has them for ever.
    static let memory = Duration.seconds(90 * 86_400)

    /// Never given to another request.
    package let id: Int64
    package let user: String
    /// As it was asked for: there may be no host or pool of that name, which the person is not told.
    package let target: String
    package let duration: Duration
    package let why: String
    package let created: Timestamp
    package let state: State
    /// Who decided, and when.
    package let decider: String?
    package let decided: Timestamp?
    /// What the decider said.
    package let answer: String
    /// The grant that an approval has made; it may be gone.
    package let grant: Int64?

    /// Whether somebody may still decide.
    package func isOpen(at time: Timestamp) -> Bool {
        state == .open && time < created + Self.patience
    }
}

extension DirectoryStore {
    /// Notes that a user wants to reach a host or pool, which there may be or not.
    ///
    /// - Throws: `DirectoryError` `.notFound` and `.userNotActive` for the user, `.invalidName`, `.invalidField`, `.outOfRange`, `.conflict` for what was
    ///   asked for already, `.tooMany`.
    package func requestAccess(
        of user: String, to target: String, for duration: Duration, why: String, at time: Timestamp = .now
    ) throws -> AccessRequest {
        try write { try $0.addRequest(of: user, to: target, for: duration, why: why, at: time) }
    }

    /// Requests by id.
    ///
    /// - Parameter user: of this one only; nil: of all.
    package func accessRequests(of user: String? = nil) throws -> [AccessRequest] {
        try read { try $0.requests(of: user) }
    }

    /// Grants what was asked for, from now on and for the time that was asked for.
    ///
    /// - Parameters:
    ///   - decider: who; never the one who asks.
    ///   - person: the decider's name in the directory; nil for who is not in it.
    ///   - duration: instead of the time that was asked for.
    /// - Throws: `DirectoryError` `.notFound` for the request and for its target, `.conflict` for what is not open, `.notPermitted`, `.userNotActive`,
    ///   `.outOfRange`, `.invalidField`.
    package func approveRequest(
        _ id: Int64, by decider: String, person: String?, _ rights: Rights = Rights(),
        requiring required: FurtherFactors = [], from networks: SourceNetworks = .anywhere,
        for duration: Duration? = nil, at time: Timestamp = .now
    ) throws -> (AccessRequest, Grant) {
        try change {
            try $0.approveRequest(
                id, by: decider, person: person, rights, requiring: required, from: networks, for: duration,
                at: time)
        }
    }

    /// Decides against what was asked for.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.conflict`, `.invalidField`.
    package func denyRequest(
        _ id: Int64, by decider: String, saying answer: String, at time: Timestamp = .now
    ) throws -> AccessRequest {
        try write { try $0.denyRequest(id, by: decider, saying: answer, at: time) }
    }

    /// Takes back what an approval has granted.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.conflict` for what was never approved.
    package func revokeRequest(
        _ id: Int64, by decider: String, saying answer: String, at time: Timestamp = .now
    ) throws -> AccessRequest {
        try change { try $0.revokeRequest(id, by: decider, saying: answer, at: time) }
    }

    /// Forgets an open request, for the person who made it; the same answer for those of others as for none.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func withdrawRequest(_ id: Int64, of user: String) throws -> AccessRequest {
        try write { try $0.withdrawRequest(id, of: user) }
    }
}
