internal import Authorization
internal import SQLite
internal import Support

/// Import: every entry goes through the same rules as one that is entered by hand. The caller's transaction makes it all or nothing.
extension Tables {
    /// Adds what the document has and the tables have not.
    ///
    /// - Throws: `DirectoryError` that names the entry; `.conflict` where the document says otherwise than the tables.
    func merge(_ document: DirectoryDocument, at time: Timestamp) throws {
        let isRestore =
            try database.first("SELECT 1 FROM numbers UNION SELECT 1 FROM targets") { _ in true } == nil
        try each(document.users, "users", \.name) { try mergeUser($0, at: time) }
        try each(document.groups, "groups", \.name) { try mergeGroup($0, at: time) }
        try each(document.hosts, "hosts", \.name) { try mergeHost($0, at: time) }
        try each(document.pools, "pools", \.name) { try mergePool($0, at: time) }
        // What somebody has chosen here stays.
        try each(document.users?.filter { $0.pin != nil }, "users", \.name) { entry in
            if try pin(of: try user(entry.name)) == nil { try setPin(entry.pin, of: entry.name) }
        }
        // So does the enrolment that somebody has here: it knows which codes were given.
        try each(document.users?.filter { $0.totp != nil }, "users", \.name) { entry in
            let user = try user(entry.name)
            guard let totp = entry.totp, user.state != .left, try codeEnrolment(of: user.uid) == nil else {
                return
            }
            let enrolled = try self.time(totp.enrolled, "enrolled") ?? time
            try setCodeEnrolment(
                CodeEnrolment(
                    sealedSecret: [UInt8](totp.sealed), enrolled: enrolled, lastStep: totp.lastStep,
                    recoveryHashes: (totp.recoveryHashes ?? []).map { [UInt8]($0) }), of: user)
        }
        try each(document.trees, "trees", \.path) { try mergeTree($0, at: time) }
        try each(document.watchers, "watchers", \.host) { try mergeWatcher($0, at: time) }
        var known = Set(try grants().map(GrantContents.init))
        try each(document.grants, "grants", { $0.id.map(String.init) }) {
            try mergeGrant($0, keepingID: isRestore, known: &known, at: time)
        }
        try each(document.revokedKeys, "revokedKeys", \.fingerprint) { entry in
            if try key(withBlob: entry.material.blob) != nil {
                // What was only taken from somebody there may be somebody's here; what is revoked for good is nobody's.
                guard entry.final ?? false else { return }
                throw DirectoryError(
                    .conflict, "it is revoked for good there, and somebody has it here",
                    hint: "find out whose it is ('key list USER'), and 'key remove' it first")
            }
            try revoke(
                entry.material, isFinal: entry.final ?? false,
                at: try self.time(entry.added, "added") ?? time)
        }
        try each(document.authorities, "authorities", \.name) { try mergeAuthority($0, at: time) }
        try each(document.revokedCertificates, "revokedCertificates", \.authority) { entry in
            switch (entry.serial, entry.keyID) {
            case (let number?, nil): try revoke(.init(authority: entry.authority, mark: .serial(number)))
            case (nil, let text?): try revoke(.init(authority: entry.authority, mark: .keyID(text)))
            default: throw DirectoryError(.invalidField, "give one of serial and keyID")
            }
        }
        try each(document.inventory, "inventory", { _ in nil }) { try mergeSource($0, at: time) }
        try each(document.removedInstances, "removedInstances", \.instance) { entry in
            try Rules.checkInstanceID(entry.instance)
            let query = "SELECT 1 FROM host_instances WHERE id = ?1"
            guard try database.first(query, [entry.instance], { _ in true }) == nil else { return }
            try noteRemoval(of: entry.instance, host: entry.host)
        }
        // They name grants by their ids, which are others where something was there before.
        if isRestore {
            try each(document.accessRequests, "accessRequests", { String($0.id) }) {
                try restoreRequest($0)
            }
        }
        if let marks = document.marks { try mergeMarks(marks, withGrant: isRestore) }
    }

    private func each<Entry>(
        _ entries: [Entry]?, _ section: String, _ name: (Entry) -> String?, _ body: (Entry) throws -> Void
    ) throws {
        for (index, entry) in (entries ?? []).enumerated() {
            do {
                try body(entry)
            } catch let error as DirectoryError {
                throw error.about("\(section)[\(index)]" + (name(entry).map { " \(Rules.quoted($0))" } ?? ""))
            }
        }
    }

    func time(_ text: String?, _ field: String) throws(DirectoryError) -> Timestamp? {
        guard let text else { return nil }
        if let time = Timestamp(text) { return time }
        throw DirectoryError(
            .invalidField, "\(field): \(Rules.quoted(text)) is not a time", hint: "write 2026-01-31T09:05:00Z"
        )
    }

    /// A uid or gid, which the rules look at further.
    private func number(_ number: Int64) throws(DirectoryError) -> UInt32 {
        if let number = UInt32(exactly: number) { return number }
        throw DirectoryError(
            .outOfRange, "\(number) is not in the range \(range.lowerBound)-\(range.upperBound)",
            hint: "UidRange in gatehouse.conf sets the range")
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String?, _ field: String, default first: Choice
    ) throws(DirectoryError) -> Choice {
        guard let text else { return first }
        if let choice = Choice(rawValue: text) { return choice }
        let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw DirectoryError(
            .invalidField, "\(field): \(Rules.quoted(text)) is none of \(choices)")
    }

    /// Networks, or none for all of them.
    func networks(_ list: [String]?) throws(DirectoryError) -> SourceNetworks {
        guard let list else { return .anywhere }
        do throws(SourceNetworks.Misfit) { return try SourceNetworks(list.joined(separator: ",")) } catch {
            throw DirectoryError(.invalidField, "allowFrom: \(error.detail)", hint: error.hint)
        }
    }

    /// Refuses an entry that says something else than what is there already; nil in an entry says nothing.
    private func agree<Value: Equatable>(_ field: String, _ here: Value, _ there: Value?)
        throws(DirectoryError)
    {
        guard let there, there != here else { return }
        throw DirectoryError(
            .conflict,
            "\(field) is \(Rules.quoted("\(here)")) in the directory, \(Rules.quoted("\(there)")) in the document",
            hint: "nothing was imported; make them agree first")
    }

    private func mergeUser(_ entry: DirectoryDocument.UserEntry, at now: Timestamp) throws {
        let state: UserState = try choice(entry.state, "state", default: .active)
        if let user = try findUser(entry.name) {
            try agree("uid", Int64(user.uid), entry.uid)
            try agree("fullName", user.fullName, entry.fullName)
            try agree("shell", user.shell, entry.shell)
            try agree("state", user.state.rawValue, entry.state)
            try agree("admin", user.isAdmin, entry.admin)
            try agree("auditor", user.isAuditor, entry.auditor)
            try agree("allowFrom", user.networks.text, try entry.allowFrom.map { try networks($0).text })
        } else {
            _ = try addUser(
                NewUser(
                    entry.name, fullName: entry.fullName ?? "", shell: entry.shell ?? User.defaultShell,
                    uid: try number(entry.uid), isAdmin: entry.admin ?? false,
                    isAuditor: entry.auditor ?? false, networks: try networks(entry.allowFrom)),
                at: try time(entry.created, "created") ?? now)
            // Who has left has no keys: the check is that of adding one.
            if state != .active { _ = try setState(state, of: entry.name) }
        }
        try each(entry.keys, "keys", \.fingerprint) { try mergeKey($0, of: entry.name, at: now) }
    }

    private func mergeKey(_ entry: DirectoryDocument.KeyEntry, of user: String, at now: Timestamp) throws {
        let lastUsed = try time(entry.lastUsed, "lastUsed")
        if let key = try key(withBlob: entry.material.blob), key.user == user {
            try agree("type", key.material.type, entry.type)
            try agree("fingerprint", key.material.fingerprint, entry.fingerprint)
            try agree("comment", key.comment, entry.comment)
            return
        }
        _ = try addKey(
            entry.material, to: user, comment: entry.comment ?? "", at: try time(entry.added, "added") ?? now,
            lastUsed: lastUsed)
    }

    private func mergeAuthority(_ entry: DirectoryDocument.AuthorityEntry, at now: Timestamp) throws {
        let users = (entry.users ?? []).sorted()
        let groups = (entry.groups ?? []).sorted()
        if let known = try authorities().first(where: { $0.name == entry.name }) {
            try agree("key", known.material.fingerprint, entry.key.fingerprint)
            try agree("users", known.users.joined(separator: " "), users.joined(separator: " "))
            return try agree("groups", known.groups.joined(separator: " "), groups.joined(separator: " "))
        }
        _ = try addAuthority(
            entry.name, entry.key.material, users: users, groups: groups,
            at: try time(entry.added, "added") ?? now)
    }

    private func mergeGroup(_ entry: DirectoryDocument.GroupEntry, at now: Timestamp) throws {
        let removed = try time(entry.removed, "removed")
        if let group = try findGroup(entry.name) {
            try agree("gid", Int64(group.gid), entry.gid)
            if removed != nil { try agree("group", "present", "removed") }
        } else if removed != nil,
            let old = try removedGroups().first(where: { $0.group.name == entry.name })
        {
            try agree("gid", Int64(old.group.gid), entry.gid)
        } else {
            _ = try addGroup(
                entry.name, gid: try number(entry.gid), at: try time(entry.created, "created") ?? now)
        }
        for member in entry.members ?? [] { try addMember(member, to: entry.name) }
        if let removed, try findGroup(entry.name) != nil { try removeGroup(entry.name, at: removed) }
    }

    private func mergeHost(_ entry: DirectoryDocument.HostEntry, at now: Timestamp) throws {
        let keys = entry.keys?.map(\.material)
        if let host = try findHost(entry.name) {
            try agree("address", host.address, entry.address)
            try agree("port", Int64(host.port), entry.port)
            try agree("state", host.state.rawValue, entry.state)
            try agree("accounts", host.accounts.rawValue, entry.accounts)
            try agree("transport", host.transport.rawValue, entry.transport)
            // How it was when it was last seen is no statement about the directory.
            try agree("instance", host.instance?.id ?? "none", entry.instance?.id)
            // Not the union: whoever may add a key may stand in for the host.
            if let keys, Set(keys) != Set(host.keys) {
                try agree("keys", fingerprints(host.keys), fingerprints(keys))
            }
            return try mergeIdleStop(entry.idleStop, of: host.name)
        }
        guard let port = UInt16(exactly: entry.port ?? 22) else {
            throw DirectoryError(
                .invalidAddress, "\(entry.port ?? 0) is not a port", hint: "ports are 1 to 65535")
        }
        _ = try addHost(
            Host(
                name: entry.name, address: entry.address, port: port, keys: keys ?? [],
                state: try choice(entry.state, "state", default: .active),
                instance: try entry.instance.map { try instance($0) },
                accounts: try choice(entry.accounts, "accounts", default: .automatic),
                transport: try choice(entry.transport, "transport", default: .automatic),
                added: try time(entry.added, "added") ?? now))
        try mergeIdleStop(entry.idleStop, of: entry.name)
        if let drain = entry.drain {
            _ = try setDrain(
                HostDrain(
                    since: try time(drain.since, "drain.since") ?? now,
                    deadline: try time(drain.deadline, "drain.deadline"), message: drain.message ?? ""),
                of: entry.name)
        }
    }

    private func mergeIdleStop(_ seconds: Int64?, of target: String) throws {
        guard let seconds else { return }
        if let known = try idlePolicies()[target] {
            return try agree("idleStop", known.components.seconds, seconds)
        }
        try setIdlePolicy(.seconds(seconds), of: target)
    }

    private func instance(_ entry: DirectoryDocument.InstanceEntry) throws(DirectoryError) -> HostInstance {
        HostInstance(
            id: entry.id, region: entry.region,
            state: try choice(entry.state, "instance.state", default: .unknown),
            lastSeen: try time(entry.lastSeen, "instance.lastSeen"), platform: entry.platform,
            taggedPool: entry.taggedPool, address: entry.address)
    }

    private func mergeSource(_ entry: DirectoryDocument.SourceEntry, at now: Timestamp) throws {
        let selection = InstanceSelection(
            tags: (entry.tags ?? []).map { .init(key: $0.key, value: $0.value) },
            instances: entry.instances ?? [], poolTag: entry.poolTag,
            naming: try choice(entry.names, "names", default: .tag))
        _ = try addSource(selection, region: entry.region, at: try time(entry.created, "created") ?? now)
    }

    private func fingerprints(_ keys: [KeyMaterial]) -> String {
        keys.map(\.fingerprint).sorted().joined(separator: " ")
    }

    private func mergePool(_ entry: DirectoryDocument.PoolEntry, at now: Timestamp) throws {
        if try findPool(entry.name) == nil {
            _ = try addPool(entry.name, at: try time(entry.created, "created") ?? now)
        }
        for host in entry.hosts ?? [] { try join(host, to: entry.name) }
        try mergeIdleStop(entry.idleStop, of: entry.name)
    }

    private func mergeTree(_ entry: DirectoryDocument.TreeEntry, at now: Timestamp) throws {
        guard let tree = try trees().first(where: { $0.path == entry.path }) else {
            _ = try addTree(
                NewTree(entry.path, group: entry.group, targets: entry.on ?? [], scanner: entry.scanner),
                at: try time(entry.created, "created") ?? now)
            return
        }
        try agree("group", tree.group?.name ?? "none", entry.group)
        try agree("on", tree.targets.joined(separator: " "), entry.on?.sorted().joined(separator: " "))
        try agree("scanner", tree.chosenScanner ?? "none", entry.scanner)
    }

    private func mergeWatcher(_ entry: DirectoryDocument.WatcherEntry, at now: Timestamp) throws {
        if let key = try watchKey(of: entry.host) {
            try agree("key", key.material.fingerprint, entry.key.fingerprint)
            return try agree("fetched", String(key.isFetched), entry.fetched.map(String.init))
        }
        try setWatchKey(
            entry.key.material, of: entry.host, isFetched: entry.fetched,
            at: try time(entry.installed, "installed") ?? now)
    }

    private func mergeMarks(_ marks: DirectoryDocument.Marks, withGrant: Bool) throws {
        guard marks.number == 0 || (0...Int64(range.upperBound)).contains(marks.number) else {
            throw DirectoryError(
                .outOfRange,
                "marks: \(marks.number) is not in the range \(range.lowerBound)-\(range.upperBound)",
                hint: "UidRange in gatehouse.conf sets the range")
        }
        try setCounter("number", max(marks.number, try counter("number")))
        guard withGrant else { return }
        guard (0..<Int64.max / 2).contains(marks.grant) else {
            throw DirectoryError(.invalidField, "marks: \(marks.grant) is not a grant's id")
        }
        try setCounter("grant", max(marks.grant, try counter("grant")))
        let request = marks.request ?? 0
        guard (0..<Int64.max / 2).contains(request) else {
            throw DirectoryError(.invalidField, "marks: \(request) is not a request's id")
        }
        try setCounter("request", max(request, try counter("request")))
    }
}
