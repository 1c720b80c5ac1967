package import FileEvents
import Support

/// What was known of a login when it began, written by the session hook for the collector.
///
/// A text of lines, keyword and value.
package struct SessionRecord: Hashable, Sendable {
    /// The boot it belongs to: audit sessions are counted anew in each.
    package var boot: [UInt8]
    package var loginUID: UInt32
    package var user: String
    /// Of the sshd that holds the login.
    package var pid: UInt32
    /// Gatehouse's session; nil when the login was not by a certificate of Gatehouse.
    package var session: String?
    package var connection: Actor.Connection?

    /// No record is longer, in bytes.
    package static let limit = 4_096

    package init(
        boot: [UInt8], loginUID: UInt32, user: String, pid: UInt32, session: String?,
        connection: Actor.Connection?
    ) {
        self.boot = boot
        self.loginUID = loginUID
        self.user = user
        self.pid = pid
        self.session = session
        self.connection = connection
    }
}

extension SessionRecord {
    /// The record as its file holds it.
    package var text: String {
        var lines = ["boot \(Hexadecimal.encode(boot))", "login \(loginUID)", "user \(user)", "pid \(pid)"]
        if let session { lines.append("session \(session)") }
        if let connection { lines.append("connection \(connection.text)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Reads a record; nil for anything that `text` does not make.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.limit, let text = String(validating: bytes, as: UTF8.self) else {
            return nil
        }
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, values[parts[0]] == nil else { return nil }
            values[parts[0]] = parts[1]
        }
        guard let boot = values["boot"].flatMap(Hexadecimal.decode), boot.count == 16,
            let login = values["login"].flatMap({ UInt32($0) }), let user = values["user"],
            let pid = values["pid"].flatMap({ UInt32($0) })
        else { return nil }
        self.init(
            boot: boot, loginUID: login, user: String(user), pid: pid,
            session: values["session"].map(String.init),
            connection: nil)
        if let text = values["connection"] {
            guard let connection = Actor.Connection(text) else { return nil }
            self.connection = connection
        }
    }
}

extension Actor.Connection {
    /// As in SSH_CONNECTION: the peer's address and port, this host's address and port.
    package var text: String { "\(peerAddress) \(peerPort) \(localAddress) \(localPort)" }

    /// Reads SSH_CONNECTION; nil when it does not look like that.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 4, let peerPort = UInt16(parts[1]), let localPort = UInt16(parts[3]),
            [parts[0], parts[2]].allSatisfy({ Self.isAddress($0) })
        else { return nil }
        self.init(
            peerAddress: String(parts[0]), peerPort: peerPort, localAddress: String(parts[2]),
            localPort: localPort)
    }

    private static func isAddress(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x25, 0x2D, 0x5F: true
                default: false
                }
            }
    }
}
