import Glibc
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
