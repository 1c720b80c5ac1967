import Digests

/// A file that the client has open at the host.
final class OpenFile {
    /// Which way the bytes of a digest go.
    enum Direction { case fromHost, toHost }

    let path: [UInt8]
    let flags: SFTPOpenFlags
    /// What was set while it was open.
    var attributes = SFTPAttributes()
    var bytesRead: UInt64 = 0
    var bytesWritten: UInt64 = 0
    /// Why something went wrong first; nil: nothing did.
    var failure: String?

    private var digest: SHA256?
    private var direction: Direction?
    private var digestedCount: UInt64 = 0

    init(path: [UInt8], flags: SFTPOpenFlags, wantsDigest: Bool) {
        self.path = path
        self.flags = flags
        digest = wantsDigest ? SHA256() : nil
    }

    /// About how much memory it takes, in bytes.
    var size: Int { 512 + path.count }

    /// Whether bytes that pass now, at this offset of the file, go on with the digest; if not, there will be none.
    func expects(_ direction: Direction, at offset: UInt64) -> Bool {
        guard digest != nil else { return false }
        if self.direction ?? direction == direction, offset == digestedCount {
            self.direction = direction
            return true
        }
        digest = nil
        return false
    }

    /// There will be no digest: bytes passed that are not in it, or those in it were not taken.
    func dropDigest() { digest = nil }

    /// Adds bytes that were expected.
    func add(_ bytes: ArraySlice<UInt8>) {
        digest?.update(bytes)
        digestedCount += UInt64(bytes.count)
    }

    /// What became of it.
    func operation(result: String) -> FileOperation {
        var operation = FileOperation(
            flags.areForWriting ? .write : .read, path: path, result: failure ?? result)
        operation.bytesRead = bytesRead
        operation.bytesWritten = bytesWritten
        operation.attributes = attributes.text
        let passed = direction == .fromHost ? bytesRead : bytesWritten
        // What the host did not take, or sent without our seeing it, is not in the digest of what it has.
        if bytesRead == 0 || bytesWritten == 0, passed == digestedCount, let value = digest?.value() {
            operation.digest = value
        }
        return operation
    }
}
