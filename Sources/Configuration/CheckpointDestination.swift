import Support

/// Where checkpoints of the event log are kept besides the gateway.
package enum CheckpointDestination: Equatable, Sendable, CustomStringConvertible {
    /// The machine's system log, which often goes on to another machine.
    case syslog
    /// A bucket of S3: one object for each checkpoint, below a prefix that is empty or ends with a slash.
    case s3(bucket: String, prefix: String)

    /// As in the configuration.
    package var description: String {
        switch self {
        case .syslog: "syslog"
        case .s3(let bucket, let prefix): "s3://\(bucket)/\(prefix)"
        }
    }

    static func list(_ values: [String]) throws(ValueError) -> [CheckpointDestination] {
        if values.count == 1, values[0].lowercased() == "none" { return [] }
        var list: [CheckpointDestination] = []
        for value in values {
            let destination = try CheckpointDestination(parsing: value)
            if !list.contains(destination) { list.append(destination) }
        }
        guard list.count <= 8 else { throw ValueError(what: "there are more than 8 places") }
        return list
    }

    private init(parsing text: String) throws(ValueError) {
        if text.lowercased() == "syslog" {
            self = .syslog
            return
        }
        let place = text.dropFirst("s3://".count).split(
            separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.hasPrefix("s3://"), let bucket = place.first, Self.isBucket(bucket) else {
            throw ValueError(what: "'\(text.printable)' is not syslog or s3://BUCKET/PREFIX")
        }
        let prefix = place.count > 1 ? String(place[1]) : ""
        guard prefix.utf8.count <= 512, prefix.utf8.allSatisfy(Self.isPlain), !prefix.hasPrefix("/"),
            !prefix.contains("//"), !prefix.split(separator: "/").contains(where: { $0 == "." || $0 == ".." })
        else { throw ValueError(what: "the prefix has letters, digits and -._ between single slashes") }
        self = .s3(
            bucket: String(bucket), prefix: prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/")
    }

    /// As S3's rules for names of buckets have it.
    private static func isBucket(_ name: Substring) -> Bool {
        (3...63).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasSuffix(".")
            && name.utf8.allSatisfy { byte in
                isPlain(byte) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    && !"/_".utf8.contains(byte)
            }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._/".utf8.contains(byte)
        }
    }
}
