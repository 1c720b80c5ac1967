import Collector
import FileEvents
import Support

/// A record as a line of JSON. Texts that are not UTF-8 come as an object: `{"base64": "…"}`.
struct RecordLine {
    private(set) var text: String

    init(_ record: SequencedRecord, of header: SegmentHeader) {
        var fields = ["\"sequence\":\(record.sequence)"]
        switch record.record {
        case .event(let event): fields += Self.fields(event)
        case .gap(let gap):
            fields += [
                "\"record\":\"gap\"", "\"reason\":\"\(gap.reason)\"", "\"from\":\(gap.from)",
                "\"until\":\(gap.until)",
            ]
            if let tree = gap.tree { fields.append("\"tree\":" + Self.quoted(tree)) }
            if let lost = gap.lost { fields.append("\"lost\":\(lost)") }
        case .directory(let report):
            fields += [
                "\"record\":\"directory\"", "\"tree\":" + Self.quoted(report.tree),
                "\"path\":" + Self.quoted(report.path), "\"entries\":\(report.entries.count)",
            ]
        case .scan(let report):
            fields += [
                "\"record\":\"scan\"", "\"tree\":" + Self.quoted(report.tree),
                "\"phase\":\"\(report.phase)\"",
                "\"entries\":\(report.entryCount)",
            ]
        case .coverage(let coverage):
            fields += [
                "\"record\":\"coverage\"", "\"tree\":" + Self.quoted(coverage.tree),
                "\"extent\":\"\(coverage.extent)\"",
                "\"fileSystem\":" + Self.quoted(Array(coverage.fileSystem.utf8)),
            ]
        }
        text = "{" + fields.joined(separator: ",") + "}"
    }

    private static func fields(_ event: FileEvent) -> [String] {
        var fields = [
            "\"record\":\"event\"", "\"kind\":\"\(event.kind)\"", "\"time\":\(event.time)",
            "\"tree\":" + quoted(event.tree), "\"path\":" + quoted(path(event.directory, event.name)),
            "\"count\":\(event.count)", "\"actor\":" + object(event.actor),
        ]
        if let destination = event.destination {
            fields.append("\"to\":" + quoted(path(destination.directory, destination.name)))
        }
        if let stat = event.stat {
            fields.append(
                "\"stat\":{\"inode\":\(stat.inode),\"mode\":\(stat.mode),\"uid\":\(stat.uid),\"gid\":\(stat.gid),"
                    + "\"size\":\(stat.size)}")
        }
        return fields
    }

    private static func object(_ actor: Actor) -> String {
        var fields = ["\"pid\":\(actor.pid)", "\"command\":" + quoted(actor.command)]
        if !actor.executable.isEmpty { fields.append("\"executable\":" + quoted(actor.executable)) }
        if let uid = actor.uid { fields.append("\"uid\":\(uid)") }
        if let login = actor.loginUID { fields.append("\"login\":\(login)") }
        if let session = actor.auditSession { fields.append("\"auditSession\":\(session)") }
        if let session = actor.session { fields.append("\"session\":" + quoted(Array(session.utf8))) }
        if let connection = actor.connection {
            fields.append("\"connection\":" + quoted(Array(connection.text.utf8)))
        }
        if let connection = actor.connection {
            fields.append("\"peer\":" + quoted(Array(connection.peerAddress.utf8)))
            fields.append("\"peerPort\":\(connection.peerPort)")
        }
        switch actor.origin {
        case .container(let name):
            fields.append("\"origin\":\"container\",\"name\":" + quoted(Array(name.utf8)))
        case .service(let name): fields.append("\"origin\":\"service\",\"name\":" + quoted(Array(name.utf8)))
        default: fields.append("\"origin\":\"\(actor.origin)\"")
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func path(_ directory: [UInt8], _ name: [UInt8]) -> [UInt8] {
        directory.isEmpty ? name : directory + [0x2F] + name
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return "{\"base64\":\"\(Base64.encode(bytes))\"}"
        }
        return text.unicodeScalars.reduce(into: "\"") { line, scalar in
            switch scalar {
            case "\"", "\\": line += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        } + "\""
    }
}
