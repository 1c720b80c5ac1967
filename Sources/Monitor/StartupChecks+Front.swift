import Glibc
import Support

extension StartupChecks {
    /// Whom `gatehouse-front` runs as: the owner of its socket, if nobody else can get at that.
    ///
    /// - Parameter others: users of processes that must not be taken for it.
    /// - Throws: `StartupError`.
    static func frontUser(by path: String, apartFrom others: [UInt32]) throws(StartupError) -> UInt32 {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        let above = try status(of: folder)
        guard above.st_uid == 0 || above.st_uid == geteuid(), above.st_mode & 0o022 == 0 else {
            throw StartupError(
                "\(folder), where front.sock is: others can write there; run: chmod go-w \(folder)")
        }
        let socket = try status(of: path)
        guard socket.st_mode & S_IFMT == S_IFSOCK, socket.st_mode & 0o077 == 0 else {
            throw StartupError("\(path) is open to others; gatehoused.socket needs SocketMode=0600")
        }
        guard socket.st_uid != 0, !others.contains(socket.st_uid) else {
            throw StartupError(
                "\(path) belongs to uid \(socket.st_uid); gatehoused.socket needs SocketUser=gatehouse-front, and that is nobody else's user"
            )
        }
        return socket.st_uid
    }

    private static func status(of path: String) throws(StartupError) -> stat {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw StartupError("\(SystemError(path))") }
        return status
    }
}
