import Authorization
import Directory
import Support

extension User {
    var json: [String: JSON] {
        [
            "name": .string(name), "uid": .integer(uid), "full_name": .string(fullName),
            "shell": .string(shell),
            "state": .string(state.rawValue), "admin": .boolean(isAdmin),
            "role": .string(role.rawValue), "allow_from": .strings(networks.list), "created": .time(created),
        ]
    }
}

extension UserKey {
    var json: JSON {
        .object([
            "user": .string(user), "type": .string(material.type),
            "fingerprint": .string(material.fingerprint),
            "comment": .string(comment), "added": .time(added), "last_used": .time(lastUsed),
        ])
    }
}

extension Group {
    var json: [String: JSON] {
        ["name": .string(name), "gid": .integer(gid), "created": .time(created)]
    }
}

extension Host {
    var json: [String: JSON] {
        let keys = keys.map {
            JSON.object(["type": .string($0.type), "fingerprint": .string($0.fingerprint)])
        }
        return [
            "name": .string(name), "address": .string(address), "port": .integer(port),
            "state": .string(state.rawValue), "keys": .array(keys), "added": .time(added),
            "accounts": .string(accounts.rawValue), "transport": .string(transport.rawValue),
            "instance": instance?.json ?? .null, "drain": drain?.json ?? .null,
        ]
    }

    /// `10.0.0.7:22` or `[fd00::7]:22`.
    var endpoint: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

extension HostInstance {
    var json: JSON {
        .object([
            "id": .string(id), "region": .text(region), "state": .string(state.rawValue),
            "last_seen": .time(lastSeen), "platform": .text(platform),
            "agent_online": isAgentOnline.map(JSON.boolean) ?? .null, "tagged_pool": .text(taggedPool),
            "other_keys": .strings(otherKeys),
        ])
    }
}

extension Pool {
    var json: JSON {
        .object(["name": .string(name), "hosts": .strings(hosts), "created": .time(created)])
    }
}

extension Rights {
    var json: [String: JSON] {
        [
            "sudo": .boolean(sudo), "programs": .string(permissions.programs.rawValue),
            "forwarding": .boolean(!permissions.forwarding.isEmpty),
            "forward_ports": .string(permissions.forwarding.text),
            "remote_forwarding": .boolean(permissions.remoteForwarding),
            "agent": .boolean(permissions.agent), "record": .boolean(record), "wake": .boolean(wake),
        ]
    }

    /// What differs from a plain login: `sudo, agent`.
    var text: String {
        [
            sudo ? "sudo" : nil, permissions.text, permissions.agent ? "agent" : nil,
            record ? "record" : nil, wake ? "wake" : nil,
        ].compactMap(\.self).joined(separator: ", ")
    }
}

extension Permissions {
    /// What differs from running any program and forwarding any port in both directions; nil: nothing.
    fileprivate var text: String? {
        let run: String? =
            switch programs {
            case .all: nil
            case .files: "files only"
            case .none: "no login"
            }
        var forwards: String?
        if forwarding == .all {
            forwards = remoteForwarding ? nil : "no remote forwarding"
        } else {
            // What transfers files forwards nothing unless it is said.
            let local =
                forwarding.isEmpty ? (programs == .files ? nil : "no forwarding") : "ports \(forwarding.text)"
            let both = [local, remoteForwarding ? "remote forwarding" : nil].compactMap(\.self)
            forwards = both.isEmpty ? nil : both.joined(separator: ", ")
        }
        let parts = [run, forwards].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

extension GrantPeriod {
    /// What besides its end limits it: `from 2026-01-31T09:05:00Z, mon-fri 08:00-18:00`.
    var onlyText: String {
        [from.map { "from \($0)" }, hours?.text].compactMap(\.self).joined(separator: ", ")
    }
}

extension Grant {
    /// What besides its end limits it: `mon-fri 08:00-18:00, with totp, from 10.0.0.0/8`.
    var onlyText: String {
        let limits = [
            period.onlyText, required.isEmpty ? "" : "with \(required.text)",
            networks == .anywhere ? "" : "from \(networks.text)",
        ]
        return limits.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    var json: JSON {
        var fields = rights.json
        fields["id"] = .number(id)
        fields["from"] = .time(period.from)
        fields["until"] = .time(until)
        fields["days"] = .text(period.hours?.dayText)
        fields["hours"] = .text(period.hours?.hourText)
        fields["zone"] = .text(period.hours?.zoneText)
        fields["require"] = .strings(required.nameList)
        fields["allow_from"] = .strings(networks.list)
        fields["created"] = .time(created)
        switch subject {
        case .user(let name): fields["user"] = .string(name)
        case .group(let name): fields["group"] = .string(name)
        }
        switch target {
        case .host(let name): fields["host"] = .string(name)
        case .pool(let name): fields["pool"] = .string(name)
        case .all: fields["all"] = .boolean(true)
        }
        return .object(fields)
    }

    /// For the event log.
    var record: [String: String] {
        [
            "grant": String(id), "who": subject.text, "target": target.text, "rights": rights.text,
            "only": onlyText, "until": until?.description ?? "",
        ]
    }
}

extension GrantSubject {
    var text: String {
        switch self {
        case .user(let name): "user \(name)"
        case .group(let name): "group \(name)"
        }
    }
}

extension GrantTarget {
    var text: String {
        switch self {
        case .host(let name): "host \(name)"
        case .pool(let name): "pool \(name)"
        case .all: "every host"
        }
    }
}
