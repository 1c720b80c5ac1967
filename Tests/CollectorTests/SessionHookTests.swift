import Collector
import FileEvents
import SSHKeys
import Support
import Testing

@Suite("The session hook")
struct SessionHookTests {
    /// What sshd says of a login with a certificate of this key id.
    private static func information(_ keyID: String) throws -> String {
        let authority = CertificateAuthority(key: try PrivateKey.generate())
        let key = try PrivateKey.generate().publicKey
        let certificate = UserCertificate(
            for: key, serial: 1, keyID: keyID, principals: ["alice"], validity: .seconds(60))
        return "publickey " + (try authority.sign(certificate)).line
    }

    private static func hook(_ information: String?, user: String = "alice") -> SessionHook {
        SessionHook { name in
            switch name {
            case "PAM_TYPE": "open_session"
            case "PAM_USER": user
            case "SSH_CONNECTION": "10.0.0.9 40000 10.0.0.1 22"
            case "SSH_AUTH_INFO_0": information
            default: nil
            }
        }
    }

    @Test("finds the session in the certificate's key id")
    func session() throws {
        let information = try Self.information("gatehouse:01J5ZK:alice")
        let hook = Self.hook("password\n" + information + "\n")
        #expect(hook.session == "01J5ZK")
        #expect(hook.isOpening)
        #expect(hook.connection?.peerPort == 40_000)
        #expect(Self.hook(information, user: "bob").session == nil, "another user's certificate")
    }

    @Test(
        "takes nothing else for a session",
        arguments: [
            "alice", "gatehouse:accounts:alice", "gatehouse:fetch:alice",
            "gatehouse::alice", "gatehouse:-x:alice",
            "gatehouse:a/b:alice",
            "other:01J:alice", "gatehouse:01J:alice:x",
        ])
    func nothing(_ keyID: String) throws {
        #expect(Self.hook(try Self.information(keyID)).session == nil)
        #expect(Self.hook(nil).session == nil)
    }

    @Test("reads or leaves damaged certificates, and never ends the process")
    func damage() throws {
        let words = try Self.information("gatehouse:01J5ZK:alice").split(separator: " ")
        let blob = try #require(Base64.decode(words[2]))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var bytes = blob
            let index = Int.random(in: 0..<200, using: &generator)
            bytes[index] = UInt8.random(in: 0...255, using: &generator)
            if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 1..<bytes.count)) }
            _ = Self.hook("publickey x \(Base64.encode(bytes))")
        }
    }

    @Test(
        "takes only addresses for a connection",
        arguments: ["", "1 2 3", "a b c d", "10.0.0.1 1 10.0.0.2 70000", "10.0.0.1\u{1b} 1 10.0.0.2 2"])
    func connections(_ text: String) {
        #expect(Actor.Connection(text) == nil)
    }
}
