import Support

/// The messages of SFTP version 3 (draft-ietf-secsh-filexfer-02 section 3; OpenSSH's PROTOCOL section 4).
enum SFTPMessage: UInt8 {
    case initialize = 1
    case version, open, close, read, write, linkStatus, handleStatus, setStatus, setHandleStatus
    case openDirectory, readDirectory, remove, makeDirectory, removeDirectory, realPath, fileStatus, rename
    case readLink, symbolicLink
    case status = 101
    case handle, data, name, attributes
    case extended = 200
    case extendedReply

    /// - Throws: `WireError` for a type that no peer of version 3 sends.
    init(_ type: UInt8) throws(WireError) {
        guard let message = SFTPMessage(rawValue: type) else {
            throw WireError("a message of type \(type), which SFTP 3 does not have")
        }
        self = message
    }

    /// How much of a message is kept to be understood, in bytes after its type: two paths of PATH_MAX and attributes. What
    /// is longer is cut, and no host takes such a path.
    static let headLimit = 12 * 1_024
    /// Section 6.2: no handle is longer.
    static let handleLimit = 256

    /// How much of this kind is kept, from the request's number on.
    var headLimit: Int {
        switch self {
        case .initialize, .version: 0
        case .open, .setStatus, .remove, .makeDirectory, .removeDirectory, .rename, .symbolicLink, .extended:
            Self.headLimit
        case .close, .handle: 4 + 4 + Self.handleLimit
        case .setHandleStatus: 4 + 4 + Self.handleLimit + 64
        case .read: 4 + 4 + Self.handleLimit + 12
        case .write: 4 + 4 + Self.handleLimit + 12
        case .status, .data: 8
        default: 4
        }
    }
}

/// What a file is opened for (section 6.3).
struct SFTPOpenFlags: OptionSet {
    let rawValue: UInt32
    static let read = SFTPOpenFlags(rawValue: 1)
    static let write = SFTPOpenFlags(rawValue: 2)
    static let append = SFTPOpenFlags(rawValue: 4)
    static let create = SFTPOpenFlags(rawValue: 8)
    static let truncate = SFTPOpenFlags(rawValue: 16)

    /// Whether the file may be changed.
    var areForWriting: Bool { !isDisjoint(with: [.write, .append, .create, .truncate]) }
}

/// What the host says became of a request (section 7).
enum SFTPStatus {
    static let ok: UInt32 = 0
    static let endOfFile: UInt32 = 1

    private static let texts = [
        FileOperation.ok, "end of file", "no such file", "permission denied", "failure", "bad message",
        "no connection", "connection lost", "operation unsupported",
    ]

    /// In words.
    static func text(_ code: UInt32) -> String {
        code < texts.count ? texts[Int(code)] : "status \(code)"
    }
}
