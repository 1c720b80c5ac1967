import Glibc
package import SSHKeys
package import Support

/// Which run of the kernel this is.
package enum BootIdentifier {
    /// The kernel's random number of this boot, 16 bytes.
    ///
    /// - Throws: `SystemError`.
    package static func current() throws(SystemError) -> [UInt8] {
        let path = "/proc/sys/kernel/random/boot_id"
        let contents = try Descriptor.open(path, O_RDONLY).readAll(limit: 64)
        let text = String(decoding: contents.prefix { $0 != 0x0A }, as: UTF8.self)
        guard let bytes = Hexadecimal.decode(text), bytes.count == 16 else {
            throw SystemError("reading \(path)", number: EBADMSG)
        }
        return bytes
    }
}

extension BootIdentifier {
    /// The identifier under which a host's records of this boot are numbered.
    ///
    /// A watcher that is removed and installed again numbers from 1 anew, and has a new key: without the key in it, what it tells
    /// would be taken for what was told before.
    ///
    /// - Throws: `SystemError`.
    package static func current(with key: PublicKey) throws(SystemError) -> [UInt8] {
        zip(try current(), key.blob.suffix(16)).map { $0 ^ $1 }
    }
}
