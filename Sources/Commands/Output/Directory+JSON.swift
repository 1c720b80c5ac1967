import Directory
import Support

extension User {
    var json: [String: JSON] {
        [
            "name": .string(name), "uid": .integer(uid), "full_name": .string(fullName),
            "shell": .string(shell),
            "state": .string(state.rawValue), "admin": .boolean(isAdmin),
            "role": .string(role.rawValue), "created": .time(created),
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
            "sudo": .boolean(sudo), "forwarding": .boolean(forwarding), "agent": .boolean(agent),
            "record": .boolean(record), "wake": .boolean(wake),
        ]
    }

    /// What differs from a plain login: `sudo, agent`.
    var text: String {
        [
            sudo ? "sudo" : nil, forwarding ? nil : "no forwarding", agent ? "agent" : nil,
            record ? "record" : nil, wake ? "wake" : nil,
        ].compactMap(\.self).joined(separator: ", ")
    }
}

extension Grant {
    var json: JSON {
        var fields = rights.json
        fields["id"] = .number(id)
        fields["until"] = .time(until)
        fields["created"] = .time(created)
        switch subject {
        case .user(let name): fields["user"] = .string(name)
        case .group(let name): fields["group"] = .string(name)
        }
        switch target {
        case .host(let name): fields["host"] = .string(name)
        case .pool(let name): fields["pool"] = .string(name)
        }
        return .object(fields)
    }

    /// For the event log.
    var record: [String: String] {
        [
            "grant": String(id), "who": subject.text, "target": target.text, "rights": rights.text,
            "until": until?.description ?? "",
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
        }
    }
}
