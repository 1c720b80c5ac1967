package import FileEvents
import SSHKeys
import Support

/// What a login's environment in PAM tells; no input or output.
package struct SessionHook: Equatable, Sendable {
    /// Whether a session begins, and not anything else that PAM calls a hook for.
    package let isOpening: Bool
    package let user: String
    /// Gatehouse's session, when the login was by a certificate of it for this user.
    package let session: String?
    package let connection: Actor.Connection?

    /// - Parameter value: a variable of the environment that pam_exec gives.
    package init(_ value: (String) -> String?) {
        isOpening = value("PAM_TYPE") == "open_session"
        let user = value("PAM_USER") ?? ""
        self.user = user.printable
        connection = value("SSH_CONNECTION").flatMap { Actor.Connection($0) }
        session =
            (value("SSH_AUTH_INFO_0") ?? "").split(separator: "\n").lazy
            .compactMap { Self.session(ofLine: $0, user: user) }.first
    }

    /// Reads `publickey ssh-ed25519-cert-v01@openssh.com AAAA…`, whose key id is `gatehouse:SESSION:USER`.
    private static func session(ofLine line: Substring, user: String) -> String? {
        let words = line.split(separator: " ")
        guard words.count >= 3, words[0] == "publickey", let blob = Base64.decode(words[2]),
            let keyID = CertificateKeyID.read(blob)
        else { return nil }
        let parts = keyID.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "gatehouse", parts[2] == user, parts[1].utf8.count <= 64,
            !steps.contains(parts[1]), let first = parts[1].utf8.first, first != 0x2D,
            parts[1].utf8.allSatisfy({
                $0 == 0x2D || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF)
            })
        else { return nil }
        return String(parts[1])
    }

    /// What the gateway's own logins as root have in place of a session; it is none.
    private static let steps: [Substring] = ["accounts", "fetch"]
}
