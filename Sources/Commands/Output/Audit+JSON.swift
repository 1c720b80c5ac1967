import Audit
import Support

extension Session {
    var json: [String: JSON] {
        [
            "id": .string(id), "user": .text(user), "target": .text(target), "host": .text(host),
            "key": .text(keyFingerprint), "address": .string(clientAddress), "client": .text(clientVersion),
            "started": .time(started), "ended": .time(ended), "live": .boolean(ended == nil),
            "end_reason": .text(endReason), "bytes_from_client": .integer(bytesFromClient),
            "bytes_to_client": .integer(bytesToClient), "exit_status": .integer(exitStatus),
            "exit_signal": .text(exitSignal),
        ]
    }
}

extension RecordedEvent {
    var json: [String: JSON] {
        [
            "id": .number(id), "time": .time(event.time), "kind": .string(event.kind),
            "session": .text(event.session), "user": .text(event.user), "host": .text(event.host),
            "address": .text(event.address), "hash": .string(hash),
            "detail": .object(event.detail.mapValues { .string($0) }),
        ]
    }

    /// One line: time, kind, and what is known as `name=value`.
    func text(withSession: Bool) -> String {
        var fields = [("user", event.user), ("host", event.host), ("from", event.address)]
        if withSession { fields.append(("session", event.session)) }
        fields += event.detail.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let known = fields.compactMap { name, value in value.map { "\(name)=\(Self.quoted($0))" } }
        let kind = event.kind + String(repeating: " ", count: max(0, 17 - event.kind.count))
        return "\(event.time)  \(kind)  \(known.joined(separator: " "))"
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return isPlain ? value.printable : "\"\(value.printable.replacing("\"", with: "\\\""))\""
    }
}
