internal import CSupport

/// POSIX access ACLs of directories, as the kernel keeps them.
package enum AccessList {
    /// Longer ones are not read, in bytes: about a thousand entries.
    package static let limit = 8_192

    /// The ACL of a directory.
    ///
    /// - Parameters:
    ///   - name: in the directory, without a slash; never followed. Empty: the directory itself, whose descriptor may be one for paths only.
    /// - Returns: the attribute's value; empty when the mode says all; nil when it cannot be known, as where an NFSv4 server has ACLs
    ///   of its own kind.
    package static func read(_ directory: Descriptor, _ name: [UInt8] = []) -> [UInt8]? {
        unsafe withUnsafeTemporaryAllocation(byteCount: limit, alignment: 4) { buffer in
            let count = unsafe (name + [0]).withUnsafeBufferPointer { name in
                unsafe name.withMemoryRebound(to: CChar.self) {
                    unsafe gh_access_list(directory.number, $0.baseAddress, buffer.baseAddress, buffer.count)
                }
            }
            if count == 0 { return [] }
            return count < 0 ? nil : unsafe [UInt8](buffer.prefix(count))
        }
    }
}
