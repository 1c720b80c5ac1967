internal import Authorization
internal import SQLite
internal import Support

extension Tables {
    private static let requestColumns = """
        SELECT r.id, n.name, r.target, r.seconds, r.why, r.created, r.state, r.decider, r.decided, r.answer, r.granted
        FROM access_requests r JOIN numbers n ON n.number = r.uid
        """

    private static func request(_ row: Statement) -> AccessRequest {
        AccessRequest(
            id: row.integer(0), user: row.text(1), target: row.text(2), duration: .seconds(row.integer(3)),
            why: row.text(4), created: row.timestamp(5),
            state: AccessRequest.State(rawValue: row.text(6)) ?? .denied,
            decider: row.optional(7, row.text), decided: row.optional(8, row.timestamp), answer: row.text(9),
            grant: row.optional(10, row.integer))
    }

    func requests(of user: String?) throws -> [AccessRequest] {
        try database.rows(
            "\(Self.requestColumns) WHERE ?1 IS NULL OR n.name = ?1 ORDER BY r.id", [user], Self.request)
    }

    private func request(_ id: Int64) throws -> AccessRequest {
        let found = try database.first("\(Self.requestColumns) WHERE r.id = ?1", [id], Self.request)
        if let found { return found }
        throw DirectoryError(.notFound, "there is no request \(id)", hint: "see 'access list'")
    }

    func addRequest(
        of name: String, to target: String, for duration: Duration, why: String, at time: Timestamp
    ) throws -> AccessRequest {
        let user = try presentUser(name)
        try Rules.checkTarget(target)
        try check(duration)
        try Rules.checkMessage(why)
        guard !why.isEmpty else {
            throw DirectoryError(
                .invalidField, "nobody can decide without a reason", hint: "say it with --why")
        }
        try forgetOldRequests(at: time)
        let open = try requests(of: name).filter { $0.isOpen(at: time) }
        if let same = open.first(where: { $0.target == target }) {
            throw DirectoryError(
                .conflict, "you have asked for '\(target)' already: that is request \(same.id)",
                hint: "wait for an answer, or 'access withdraw \(same.id)'")
        }
        guard open.count < AccessRequest.openLimit else {
            throw DirectoryError(
                .tooMany, "you have \(open.count) open requests, and more there cannot be",
                hint: "wait for an answer, or withdraw one: 'access list'")
        }
        return try insert(
            AccessRequest(
                id: try counter("request") + 1, user: name, target: target, duration: duration, why: why,
                created: time.wholeSeconds, state: .open, decider: nil, decided: nil, answer: "", grant: nil),
            of: user)
    }

    private func check(_ duration: Duration) throws(DirectoryError) {
        guard AccessRequest.durations.contains(duration.components.seconds) else {
            throw DirectoryError(
                .outOfRange, "access is asked for from a minute up to 30 days",
                hint: "write --for 4h, or --for 2d")
        }
    }

    /// What nobody has decided about in time, and what was decided long ago: so the table does not grow without end.
    private func forgetOldRequests(at time: Timestamp) throws {
        // With what an approval has granted, unless somebody has made it longer since.
        try database.run(
            """
            DELETE FROM grants WHERE until <= ?1
            AND id IN (SELECT granted FROM access_requests WHERE state <> 'open' AND decided <= ?2)
            """, time, time + (.zero - AccessRequest.memory))
        try database.run(
            """
            DELETE FROM access_requests WHERE CASE state WHEN 'open' THEN created <= ?1 ELSE decided <= ?2 END
            """, time + (.zero - AccessRequest.patience), time + (.zero - AccessRequest.memory))
    }

    func insert(_ request: AccessRequest, of user: User) throws -> AccessRequest {
        try database.run(
            "INSERT INTO access_requests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", request.id,
            user.uid, request.target, request.duration.components.seconds, request.why, request.created,
            request.state.rawValue, request.decider, request.decided, request.answer, request.grant)
        try setCounter("request", max(request.id, try counter("request")))
        return request
    }

    func approveRequest(
        _ id: Int64, by decider: String, person: String?, _ rights: Rights,
        requiring required: FurtherFactors, from networks: SourceNetworks, for duration: Duration?,
        at time: Timestamp
    ) throws -> (AccessRequest, Grant) {
        let request = try openRequest(id, at: time)
        guard request.user != person else {
            throw DirectoryError(
                .notPermitted, "nobody approves what they ask for themselves",
                hint: "another administrator has to decide")
        }
        if let duration { try check(duration) }
        let target: GrantTarget
        if try findHost(request.target) != nil {
            target = .host(request.target)
        } else if try findPool(request.target) != nil {
            target = .pool(request.target)
        } else {
            throw DirectoryError(
                .notFound, "there is no host or pool '\(request.target)'",
                hint: "'access deny \(id)' answers the request")
        }
        guard try user(request.user).state == .active else {
            throw DirectoryError(.userNotActive, "'\(request.user)' may not log in")
        }
        let grant = try addGrant(
            .user(request.user), to: target, rights,
            GrantPeriod(until: time + (duration ?? request.duration)), requiring: required, from: networks,
            at: time)
        return (try decide(request, .approved, by: decider, "", grant: grant.id, at: time), grant)
    }

    func denyRequest(
        _ id: Int64, by decider: String, saying answer: String, at time: Timestamp
    ) throws -> AccessRequest {
        try decide(try openRequest(id, at: time), .denied, by: decider, answer, grant: nil, at: time)
    }

    func revokeRequest(
        _ id: Int64, by decider: String, saying answer: String, at time: Timestamp
    ) throws -> AccessRequest {
        let request = try request(id)
        guard request.state == .approved, let grant = request.grant else {
            throw DirectoryError(.conflict, "request \(id) was not approved: it is \(request.state.rawValue)")
        }
        // Somebody may have taken it back already.
        try database.run("DELETE FROM grants WHERE id = ?1", grant)
        return try decide(request, .revoked, by: decider, answer, grant: grant, at: time)
    }

    func withdrawRequest(_ id: Int64, of user: String) throws -> AccessRequest {
        guard let request = try requests(of: user).first(where: { $0.id == id && $0.state == .open }) else {
            throw DirectoryError(
                .notFound, "you have no open request \(id)", hint: "see 'access list'")
        }
        try database.run("DELETE FROM access_requests WHERE id = ?1", id)
        return request
    }

    private func openRequest(_ id: Int64, at time: Timestamp) throws -> AccessRequest {
        let request = try request(id)
        guard request.isOpen(at: time) else {
            let state = request.state == .open ? "too old" : request.state.rawValue
            throw DirectoryError(.conflict, "request \(id) is not open any more: it is \(state)")
        }
        return request
    }

    private func decide(
        _ request: AccessRequest, _ state: AccessRequest.State, by decider: String, _ answer: String,
        grant: Int64?, at time: Timestamp
    ) throws -> AccessRequest {
        try Rules.checkMessage(answer)
        try database.run(
            """
            UPDATE access_requests SET state = ?2, decider = ?3, decided = ?4, answer = ?5, granted = ?6 WHERE id = ?1
            """, request.id, state.rawValue, decider, time.wholeSeconds, answer, grant)
        return try self.request(request.id)
    }
}
