extension Actor {
    private enum OriginTag {
        static let login: UInt8 = 0
        static let switchedUser: UInt8 = 1
        static let container: UInt8 = 2
        static let service: UInt8 = 3
        static let kernel: UInt8 = 4
        static let unknown: UInt8 = 5
    }

    func write(to column: inout ColumnWriter) {
        column.byte(DefinitionTag.actor)
        switch origin {
        case .login: column.byte(OriginTag.login)
        case .switchedUser: column.byte(OriginTag.switchedUser)
        case .container(let identifier):
            column.byte(OriginTag.container)
            column.data(identifier.utf8.prefix(SegmentLimits.path))
        case .service(let unit):
            column.byte(OriginTag.service)
            column.data(unit.utf8.prefix(SegmentLimits.path))
        case .kernel: column.byte(OriginTag.kernel)
        case .unknown: column.byte(OriginTag.unknown)
        }
        column.optional(uid)
        column.optional(loginUID)
        column.optional(auditSession)
        column.number(UInt64(pid))
        column.data(command.prefix(SegmentLimits.name))
        column.data(executable.prefix(SegmentLimits.path))
        column.byte((session == nil ? 0 : 1) | (connection == nil ? 0 : 2))
        if let session { column.data(session.utf8.prefix(SegmentLimits.name)) }
        if let connection {
            column.data(connection.peerAddress.utf8)
            column.number(UInt64(connection.peerPort))
            column.data(connection.localAddress.utf8)
            column.number(UInt64(connection.localPort))
        }
    }

    /// Reads what `write` wrote after the tag.
    init(from column: inout ColumnReader) throws(SegmentError) {
        self.init()
        switch try column.byte() {
        case OriginTag.login: origin = .login
        case OriginTag.switchedUser: origin = .switchedUser
        case OriginTag.container: origin = .container(try column.text())
        case OriginTag.service: origin = .service(try column.text())
        case OriginTag.kernel: origin = .kernel
        case OriginTag.unknown: origin = .unknown
        default: throw SegmentError(.malformed, "an actor has an unknown origin")
        }
        uid = try column.optional()
        loginUID = try column.optional()
        auditSession = try column.optional()
        pid = try column.number32()
        command = try column.data()
        executable = try column.data()
        let flags = try column.byte()
        guard flags <= 3 else { throw SegmentError(.malformed, "an actor has unknown flags") }
        if flags & 1 != 0 { session = try column.text() }
        if flags & 2 != 0 {
            connection = Connection(
                peerAddress: try column.text(), peerPort: try Self.port(&column),
                localAddress: try column.text(), localPort: try Self.port(&column))
        }
    }

    private static func port(_ column: inout ColumnReader) throws(SegmentError) -> UInt16 {
        UInt16(try column.count(limit: Int(UInt16.max)))
    }
}
