internal import Authorization
internal import FoundationEssentials
internal import Support

extension Tables {
    /// Everything in the tables, in an order that does not depend on how it came there.
    func exported() throws -> DirectoryDocument {
        let keys = Dictionary(grouping: try keys(of: nil), by: \.user)
        let live = try groups().map { group in
            DirectoryDocument.GroupEntry(
                gid: Int64(group.gid), name: group.name, created: group.created.description,
                members: try members(of: group.gid))
        }
        let removed = try removedGroups().map { group, removed in
            DirectoryDocument.GroupEntry(
                gid: Int64(group.gid), name: group.name, created: group.created.description,
                removed: removed.description, members: [])
        }
        let idle = try idlePolicies().mapValues(\.components.seconds)
        let users = try users()
        let grants = try grants()
        return DirectoryDocument(
            schema: (users.map(\.firstSchema) + grants.map(\.firstSchema)).max()
                ?? DirectoryDocument.schemas.lowerBound,
            marks: .init(
                number: try counter("number"), grant: try counter("grant"), request: try counter("request")),
            users: try users.map { user in
                var entry = DirectoryDocument.UserEntry(
                    user, keys: keys[user.name] ?? [], pin: try pin(of: user))
                entry.totp = try codeEnrolment(of: user.uid).map { .init($0) }
                return entry
            },
            groups: (live + removed).sorted { $0.name < $1.name },
            hosts: try hosts().map { host in
                var entry = DirectoryDocument.HostEntry(host)
                entry.idleStop = idle[host.name]
                return entry
            },
            pools: try pools().map {
                .init(
                    name: $0.name, created: $0.created.description, hosts: $0.hosts, idleStop: idle[$0.name])
            },
            grants: grants.map { .init($0) },
            revokedKeys: try revokedKeys().map { key in
                var entry = DirectoryDocument.KeyEntry(key)
                entry.final = try isRevokedForGood(key.blob) ? true : nil
                return entry
            },
            authorities: try authorities().map { .init($0) },
            revokedCertificates: try certificateRevocations().map { .init($0) },
            trees: try trees().map { .init($0) }, watchers: try watchKeys().map { .init($0) },
            inventory: try sources().map { .init($0) },
            removedInstances: try removedInstances().sorted { $0.key < $1.key }.map {
                .init(instance: $0.key, host: $0.value)
            }, accessRequests: try requests(of: nil).map { .init($0) })
    }
}

extension DirectoryDocument.UserEntry {
    fileprivate init(_ user: User, keys: [UserKey], pin: String?) {
        self.init(
            uid: Int64(user.uid), name: user.name, fullName: user.fullName, shell: user.shell,
            state: user.state.rawValue, admin: user.isAdmin, auditor: user.isAuditor ? true : nil,
            allowFrom: user.networks == .anywhere ? nil : user.networks.list,
            created: user.created.description,
            keys: keys.map { key in
                var entry = DirectoryDocument.KeyEntry(key.material)
                entry.comment = key.comment
                entry.added = key.added.description
                entry.lastUsed = key.lastUsed?.description
                return entry
            }, pin: pin)
    }
}

extension DirectoryDocument.CodeEntry {
    fileprivate init(_ enrolment: CodeEnrolment) {
        self.init(
            sealed: Data(enrolment.sealedSecret), enrolled: enrolment.enrolled.description,
            lastStep: enrolment.lastStep, recoveryHashes: enrolment.recoveryHashes.map { Data($0) })
    }
}

extension DirectoryDocument.KeyEntry {
    fileprivate init(_ key: KeyMaterial) {
        self.init(type: key.type, blob: Data(key.blob), fingerprint: key.fingerprint)
    }
}

extension DirectoryDocument.AuthorityEntry {
    fileprivate init(_ authority: TrustedAuthority) {
        self.init(
            name: authority.name, key: .init(authority.material), users: authority.users,
            groups: authority.groups, added: authority.added.description)
    }
}

extension DirectoryDocument.RevocationEntry {
    fileprivate init(_ revocation: CertificateRevocation) {
        self.init(authority: revocation.authority)
        switch revocation.mark {
        case .serial(let number): serial = number
        case .keyID(let text): keyID = text
        }
    }
}

extension DirectoryDocument.TreeEntry {
    fileprivate init(_ tree: Tree) {
        self.init(
            path: tree.path, group: tree.group?.name, on: tree.targets, scanner: tree.chosenScanner,
            created: tree.created.description)
    }
}

extension DirectoryDocument.WatcherEntry {
    fileprivate init(_ key: WatchKey) {
        self.init(
            host: key.host, key: .init(key.material), installed: key.installed.description,
            fetched: key.isFetched ? true : nil)
    }
}

extension DirectoryDocument.HostEntry {
    fileprivate init(_ host: Host) {
        self.init(
            name: host.name, address: host.address, port: Int64(host.port), state: host.state.rawValue,
            added: host.added.description, keys: host.keys.map { .init($0) },
            accounts: host.accounts.rawValue, transport: host.transport.rawValue,
            instance: host.instance.map { .init($0) },
            drain: host.drain.map {
                .init(
                    since: $0.since.description, deadline: $0.deadline?.description,
                    message: $0.message.isEmpty ? nil : $0.message)
            })
    }
}

extension DirectoryDocument.InstanceEntry {
    fileprivate init(_ instance: HostInstance) {
        self.init(
            id: instance.id, region: instance.region, state: instance.state.rawValue,
            lastSeen: instance.lastSeen?.description, platform: instance.platform,
            taggedPool: instance.taggedPool, address: instance.address)
    }
}

extension DirectoryDocument.SourceEntry {
    fileprivate init(_ source: InventorySource) {
        let selection = source.selection
        self.init(
            region: source.region, tags: selection.tags.map { .init(key: $0.key, value: $0.value) },
            instances: selection.instances, poolTag: selection.poolTag, names: selection.naming.rawValue,
            created: source.created.description)
    }
}

extension DirectoryDocument.RequestEntry {
    fileprivate init(_ request: AccessRequest) {
        self.init(
            id: request.id, user: request.user, target: request.target,
            seconds: request.duration.components.seconds, why: request.why,
            created: request.created.description, state: request.state.rawValue, decider: request.decider,
            decided: request.decided?.description, answer: request.answer, grant: request.grant)
    }
}

extension User {
    /// The schema from which on programs know all that keeps them out.
    fileprivate var firstSchema: Int { networks == .anywhere ? 1 : 4 }
}

extension Grant {
    /// The schema from which on programs know all that limits it: those that do not would give more by it.
    fileprivate var firstSchema: Int {
        if networks != .anywhere { return 4 }
        if !required.isEmpty { return 3 }
        let permissions = rights.permissions
        let isPlain = permissions.forwarding == .all || permissions.forwarding.isEmpty
        let isLimited =
            permissions.programs != .all || !isPlain
            || permissions.remoteForwarding != !permissions.forwarding.isEmpty || target == .all
            || period.from != nil || period.hours != nil
        return isLimited ? 2 : 1
    }
}

extension DirectoryDocument.GrantEntry {
    fileprivate init(_ grant: Grant) {
        let permissions = grant.rights.permissions
        let isPlain = permissions.forwarding == .all || permissions.forwarding.isEmpty
        let hours = grant.period.hours
        self.init(
            id: grant.id, sudo: grant.rights.sudo,
            programs: permissions.programs == .all ? nil : permissions.programs.rawValue,
            forwarding: !permissions.forwarding.isEmpty,
            forwardPorts: isPlain ? nil : permissions.forwarding.text,
            remoteForwarding: permissions.remoteForwarding, agent: permissions.agent,
            record: permissions.record, wake: grant.rights.wake ? true : nil,
            from: grant.period.from?.description, until: grant.until?.description, days: hours?.dayText,
            hours: hours?.hourText, zone: hours?.zoneText,
            require: grant.required.isEmpty ? nil : grant.required.text,
            allowFrom: grant.networks == .anywhere ? nil : grant.networks.list,
            created: grant.created.description)
        switch grant.subject {
        case .user(let name): user = name
        case .group(let name): group = name
        }
        switch grant.target {
        case .host(let name): host = name
        case .pool(let name): pool = name
        case .all: all = true
        }
    }
}
