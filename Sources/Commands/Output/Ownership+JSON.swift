import FileEvents
import Ownership
import Support

extension JSON {
    /// The keys for a path: the text as it is when it is UTF-8, else as `PathText` shows it, and the exact bytes beside it.
    static func path(_ bytes: [UInt8], as key: String = "path") -> [String: JSON] {
        if let text = String(validating: bytes, as: UTF8.self) { return [key: .string(text)] }
        return [key: .string(PathText.shown(bytes)), "\(key)_base64": .string(Base64.encode(bytes))]
    }

    /// A time of the book, which is in microseconds since 1970.
    static func time(microseconds: Int64?) -> JSON {
        .time(microseconds.map { Timestamp(microseconds: $0) })
    }
}

extension FileMoment {
    /// - Parameter session: of Gatehouse, where there is one.
    func json(_ names: PeopleNames, _ session: WriterSession?) -> [String: JSON] {
        var fields: [String: JSON] = [
            "kind": .string(kind.rawValue), "basis": .string(basis.rawValue),
            "time": .time(microseconds: time), "time_microseconds": .number(time),
            "earliest": .time(microseconds: earliest), "host": .text(host), "count": .number(Int64(count)),
            "size": .integer(size), "before": before?.json(names) ?? .null,
            "after": after?.json(names) ?? .null,
            "actor": actor?.json(names) ?? .null, "session": .text(session?.id),
            "session_user": .text(session?.user), "address": .text(session?.address),
            "session_offset": .integer(session?.offset),
        ]
        fields.merge(JSON.path(tree.joined(path))) { $1 }
        if let newPath { fields.merge(JSON.path(tree.joined(newPath), as: "new_path")) { $1 } }
        return fields
    }
}

extension FileMoment.Attributes {
    func json(_ names: PeopleNames) -> JSON {
        .object([
            "uid": .integer(uid), "user": .text(names.userName(uid)), "gid": .integer(gid),
            "group": .text(names.groupName(gid)), "mode": .string(String(mode & 0o7777, radix: 8)),
        ])
    }
}

extension Actor {
    func json(_ names: PeopleNames) -> JSON {
        let (origin, detail) = originText
        return .object([
            "person": .text(person.flatMap(names.userName)), "uid": .integer(uid),
            "login_uid": .integer(loginUID), "audit_session": .integer(auditSession),
            "pid": pid == 0 ? .null : .integer(pid), "command": .string(PathText.shown(command)),
            "executable": executable.isEmpty ? .null : .string(PathText.shown(executable)),
            "origin": .string(origin), "origin_name": .text(detail),
        ])
    }

    private var originText: (String, String?) {
        switch origin {
        case .login: ("login", nil)
        case .switchedUser: ("switched-user", nil)
        case .container(let id): ("container", id)
        case .service(let unit): ("service", unit)
        case .kernel: ("kernel", nil)
        case .unknown: ("unknown", nil)
        }
    }
}

extension KnownGap {
    var json: [String: JSON] {
        var fields: [String: JSON] = [
            "host": .string(host), "from": .time(microseconds: since), "until": .time(microseconds: until),
            "reason": .string(reason.text), "lost": .integer(lost), "closed": .boolean(isClosed),
            "tree": .null,
        ]
        if let tree { fields.merge(JSON.path(tree, as: "tree")) { $1 } }
        return fields
    }
}

extension KnownGap.Reason {
    /// As the contract and people call it.
    var text: String {
        switch self {
        case .missingSegments: "missing-segments"
        case .told(let reason):
            switch reason {
            case .overflow: "overflow"
            case .restarted: "restarted"
            case .stopped: "stopped"
            case .silence: "silence"
            case .reboot: "reboot"
            case .spoolFull: "spool-full"
            case .connectorOverflow: "connector-overflow"
            case .mountLost: "mount-lost"
            }
        }
    }
}

extension Figures {
    var json: [String: JSON] {
        [
            "files": .number(files), "directories": .number(directories), "bytes": .number(bytes),
            "disk_bytes": .number(blocks &* 512),
        ]
    }
}
