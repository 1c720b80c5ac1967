/// A key, or a text that should have been one, that is not taken.
package struct KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, for code.
    package enum Code: String, Sendable, CaseIterable {
        /// There is no key in the text.
        case empty
        /// It is a private key: whoever sent it has to be told, loudly.
        case privateKey
        /// It is a public key in a format of another program.
        case foreignFormat
        /// The line begins with options of authorized_keys.
        case options
        /// There is more than one line.
        case severalKeys
        /// It is a certificate where a plain key is wanted.
        case certificate
        /// A kind of key that is not accepted, such as DSA.
        case unsupportedType
        /// An RSA key that is too short.
        case tooShort
        /// The bytes are not the key they claim to be.
        case malformed
        /// A private key that needs a passphrase, which nobody can type here.
        case encrypted
        /// What a certificate is to say makes no sense.
        case invalidCertificate
        /// libcrypto failed.
        case cryptography
    }

    package let code: Code

    /// One line for people; never holds a part of what was read, except the name of a key type.
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}
