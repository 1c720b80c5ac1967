package import Directory
import SSHKeys

/// The public host keys as a host lists them, asked over a way that proves which host it is.
package enum HostKeyListing {
    /// What root runs on the host. A glob that matches nothing fails, as it should.
    package static let command = "exec cat /etc/ssh/ssh_host_*_key.pub"

    /// No listing is longer, in bytes.
    private static let lengthLimit = 64 * 1024
    private static let keyLimit = 16

    /// Reads the command's output: lines of `.pub` files and nothing else.
    ///
    /// - Returns: the keys of the types that Gatehouse knows, without doubles; one at least.
    /// - Throws: `HostKeyListingError`.
    package static func parse(_ output: [UInt8]) throws(HostKeyListingError) -> [KeyMaterial] {
        guard output.count <= lengthLimit else { throw HostKeyListingError("it is too long") }
        var keys: [KeyMaterial] = []
        let lines = output.split(omittingEmptySubsequences: true) { $0 == UInt8(ascii: "\n") }
        guard lines.count <= keyLimit else { throw HostKeyListingError("it has \(lines.count) lines") }
        for (index, line) in lines.enumerated() {
            let key: PublicKey
            do throws(KeyError) {
                key = try PublicKey.parse(bytes: Array(line))
            } catch {
                // What sshd may have and Gatehouse does not use, such as ssh-dss or a short RSA key.
                if error.code == .unsupportedType || error.code == .tooShort { continue }
                throw HostKeyListingError("its line \(index + 1) is no public key")
            }
            let material = KeyMaterial(type: key.type.rawValue, blob: key.blob, fingerprint: key.fingerprint)
            if !keys.contains(material) { keys.append(material) }
        }
        guard !keys.isEmpty else { throw HostKeyListingError("it has no key of a known type") }
        return keys
    }
}

/// Why a listing is not used.
package struct HostKeyListingError: Error, Equatable, Sendable, CustomStringConvertible {
    private let why: String

    init(_ why: String) {
        self.why = why
    }

    package var description: String { "the list of host keys is not used: \(why)" }
}
