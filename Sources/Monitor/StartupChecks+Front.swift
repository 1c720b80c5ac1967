import Glibc
import Support

extension StartupChecks {
    /// Checks that the socket of `gatehouse-front` is root's alone, so that nobody else can be taken for it or for the daemon.
    ///
    /// - Parameter mayBeMissing: the front end may be started later.
    /// - Throws: `StartupError`.
    static func requireFrontSocket(at path: String, mayBeMissing: Bool) throws(StartupError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        guard let above = status(of: folder), let socket = status(of: path) else {
            if mayBeMissing { return }
            throw StartupError("\(path) is not there; run: systemctl start gatehouse-front.socket")
        }
        guard above.st_uid == 0 || above.st_uid == geteuid(), above.st_mode & 0o022 == 0 else {
            throw StartupError(
                "\(folder), where front.sock is: others can write there; run: chmod go-w \(folder)")
        }
        guard socket.st_mode & S_IFMT == S_IFSOCK, socket.st_uid == 0, socket.st_mode & 0o077 == 0 else {
            throw StartupError(
                "\(path) must be a socket of root's that is closed to others; gatehouse-front.socket needs SocketMode=0600 and no SocketUser="
            )
        }
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }
}
