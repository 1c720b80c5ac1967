internal import Authorization
internal import SQLite
internal import Support

/// Import of what people are granted, and of what they have asked for.
extension Tables {
    func mergeGrant(
        _ entry: DirectoryDocument.GrantEntry, keepingID: Bool, known: inout Set<GrantContents>,
        at now: Timestamp
    ) throws {
        let subject: GrantSubject
        switch (entry.user, entry.group) {
        case (let user?, nil): subject = .user(user)
        case (nil, let group?): subject = .group(group)
        default: throw DirectoryError(.invalidField, "give one of user and group")
        }
        let target: GrantTarget
        switch (entry.host, entry.pool, entry.all ?? false) {
        case (let host?, nil, false): target = .host(host)
        case (nil, let pool?, false): target = .pool(pool)
        case (nil, nil, true): target = .all
        default: throw DirectoryError(.invalidField, "give one of host, pool and all")
        }
        let rights = try rights(of: entry)
        let period = GrantPeriod(
            from: try time(entry.from, "from"), until: try time(entry.until, "until"),
            hours: entry.days == nil && entry.hours == nil && entry.zone == nil
                ? nil : try WeeklyHours(days: entry.days, hours: entry.hours, zone: entry.zone))
        let required = try factors(entry.require)
        let networks = try networks(entry.allowFrom)
        let created = try time(entry.created, "created") ?? now
        guard keepingID, let id = entry.id else {
            let contents = GrantContents(
                subject: subject, target: target, rights: rights, period: period, required: required,
                networks: networks)
            if known.insert(contents).inserted {
                _ = try addGrant(
                    subject, to: target, rights, period, requiring: required, from: networks, at: created)
            }
            return
        }
        guard id > 0, id < Int64.max / 2 else {
            throw DirectoryError(.invalidField, "\(id) is not a grant's id")
        }
        if try database.first("SELECT 1 FROM grants WHERE id = ?1", [id], { _ in true }) != nil {
            throw DirectoryError(.conflict, "the document has two grants with the id \(id)")
        }
        _ = try addGrant(
            subject, to: target, rights, period, requiring: required, from: networks, at: created, id: id)
        try setCounter("grant", max(id, try counter("grant")))
    }

    private func factors(_ text: String?) throws(DirectoryError) -> FurtherFactors {
        guard let text else { return [] }
        guard let factors = FurtherFactors(text: text) else {
            throw DirectoryError(.invalidField, "require: \(Rules.quoted(text)) is not pam, totp or pam,totp")
        }
        return factors
    }

    private func rights(of entry: DirectoryDocument.GrantEntry) throws(DirectoryError) -> Rights {
        let forwards = entry.forwarding ?? true
        var ports: PortSet = forwards ? .all : .none
        if let text = entry.forwardPorts {
            guard forwards, let some = PortSet(text) else {
                throw DirectoryError(.invalidField, "forwardPorts: \(Rules.quoted(text)) are no ports")
            }
            ports = some
        }
        return Rights(
            sudo: entry.sudo ?? false, programs: try choice(entry.programs, "programs", default: .all),
            forwarding: ports, remoteForwarding: entry.remoteForwarding, agent: entry.agent ?? false,
            record: entry.record ?? false, wake: entry.wake ?? false)
    }

    func restoreRequest(_ entry: DirectoryDocument.RequestEntry) throws {
        try Rules.checkTarget(entry.target)
        try Rules.checkMessage(entry.why)
        try Rules.checkMessage(entry.answer ?? "")
        try Rules.checkMessage(entry.decider ?? "")
        guard entry.id > 0, entry.id < Int64.max / 2, AccessRequest.durations.contains(entry.seconds),
            let created = try time(entry.created, "created"),
            try requests(of: nil).allSatisfy({ $0.id != entry.id })
        else { throw DirectoryError(.invalidField, "this is no request") }
        let state: AccessRequest.State = try choice(entry.state, "state", default: .open)
        guard (state == .open) == (entry.decided == nil) else {
            throw DirectoryError(.invalidField, "what is decided has a time of that, and nothing else has")
        }
        _ = try insert(
            AccessRequest(
                id: entry.id, user: entry.user, target: entry.target, duration: .seconds(entry.seconds),
                why: entry.why, created: created, state: state, decider: entry.decider,
                decided: try time(entry.decided, "decided"), answer: entry.answer ?? "", grant: entry.grant),
            of: try user(entry.user))
    }
}

/// What a grant says, without its id and its age.
struct GrantContents: Hashable {
    let subject: GrantSubject
    let target: GrantTarget
    let rights: Rights
    let period: GrantPeriod
    let required: FurtherFactors
    let networks: SourceNetworks
}

extension GrantContents {
    init(_ grant: Grant) {
        self.init(
            subject: grant.subject, target: grant.target, rights: grant.rights, period: grant.period,
            required: grant.required, networks: grant.networks)
    }
}
