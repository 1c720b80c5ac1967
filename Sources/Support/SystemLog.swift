/// The system's log, as syslog(3) speaks to it: RFC 3164 section 4.1 without time and host, which the receiver adds.
package enum SystemLog {
    /// LOG_AUTHPRIV and LOG_NOTICE.
    private static let priority = 10 << 3 | 5

    /// Writes one line; control characters in it are escaped.
    ///
    /// - Parameter path: the socket of the receiver.
    /// - Throws: `SystemError` when nobody listens there.
    package static func write(_ line: String, to path: String = "/dev/log") throws(SystemError) {
        try UnixDatagram(to: path).send(Array("<\(priority)>gatehouse: \(line.printable)".utf8))
    }
}
