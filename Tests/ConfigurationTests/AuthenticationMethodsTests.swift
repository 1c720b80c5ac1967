import Configuration
import Support
import TestSupport
import Testing

@Suite("What a login needs")
struct AuthenticationMethodsTests {
    private func methods(_ text: String) throws -> AuthenticationMethods {
        try Configuration.parse(Array("AuthenticationMethods \(text)".utf8)).authenticationMethods
    }

    @Test("is a key unless the configuration says otherwise")
    func defaults() throws {
        let methods = Configuration().authenticationMethods
        #expect(!methods.areComplete(after: []))
        #expect(methods.areComplete(after: [.publicKey]))
        #expect(methods.next(after: []) == [.publicKey])
        #expect(methods.next(after: [.publicKey]).isEmpty)
    }

    @Test("is a whole chain, in its order; what was shown after it changes nothing")
    func order() throws {
        let methods = try methods("publickey,totp")
        for shown in [[], [.publicKey], [.code], [.code, .publicKey]]
            as [[Factor]]
        {
            #expect(!methods.areComplete(after: shown))
        }
        #expect(methods.areComplete(after: [.publicKey, .code]))
        #expect(methods.areComplete(after: [.publicKey, .code, .pam]))
        #expect(!methods.areComplete(after: [.publicKey, .pam, .code]))
        #expect(methods.next(after: []) == [.publicKey])
        #expect(methods.next(after: [.publicKey]) == [.code])
        #expect(methods.next(after: [.code]).isEmpty)
        #expect(methods.next(after: [.publicKey, .code]).isEmpty)
    }

    @Test("is any of several chains")
    func alternatives() throws {
        let methods = try methods("publickey,totp publickey")
        #expect(methods.description == "publickey,totp publickey")
        #expect(methods.areComplete(after: [.publicKey]))
        #expect(methods.areComplete(after: [.publicKey, .code]))
    }

    @Test("shrinks by what is waived, and never to nothing")
    func changes() throws {
        let key = try methods("publickey")
        let both = try methods("publickey,totp")
        #expect(both.ask(for: .code) && !key.ask(for: .code))
        #expect(both.waiving(.code) == key)
        #expect(!both.waiving(.code).areComplete(after: []))
    }

    @Test("is a password without a key only where an administrator says so")
    func passwords() throws {
        let all = try Configuration.parse(
            Array("AuthenticationMethods pam,totp publickey,pam\nPasswordLogin yes".utf8)
        ).authenticationMethods
        #expect(all.permitKeyless)
        #expect(Factor.methods(of: all.next(after: [])) == ["keyboard-interactive", "password", "publickey"])
        #expect(all.next(after: [.pam]) == [.code])
        #expect(!all.areComplete(after: [.pam]))
        #expect(all.areComplete(after: [.publicKey, .pam]))
        #expect(throws: Never.self) { try methods("publickey,pam") }
        for alone in ["pam", "publickey pam", "pam,totp"] {
            #expect(throws: ConfigurationError.self) { try methods(alone) }
        }
    }

    @Test(
        "is refused in the configuration where it could be had without a key or means nothing",
        arguments: [
            "totp", "totp,publickey", "publickey,", ",publickey", "publickey,publickey", "none", "any",
            "publickey,password", "pam,publickey", "totp,pam", "publickey totp", "keyboard-interactive",
        ])
    func refused(_ text: String) {
        #expect(throws: ConfigurationError.self) { try methods(text) }
    }
}
