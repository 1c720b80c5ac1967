import Support

/// What a client asked for, as far as it tells of files.
enum SFTPRequest {
    case open(path: [UInt8], flags: SFTPOpenFlags)
    case close(handle: [UInt8])
    case read(handle: [UInt8], offset: UInt64)
    case write(handle: [UInt8], offset: UInt64, count: UInt32)
    case setHandleStatus(handle: [UInt8], SFTPAttributes)
    /// OpenSSH's copy-data: the host copies from one open file to another.
    case copy(from: [UInt8], to: [UInt8])
    /// What is done in one step.
    case change(FileOperation)
    /// What tells nothing of who read or wrote which file: looking at names and attributes.
    case other

    /// - Parameter head: from the request's number on, perhaps cut.
    /// - Throws: `WireError` when it ends too early.
    init(_ message: SFTPMessage, _ input: inout WireReader) throws(WireError) {
        switch message {
        case .open:
            let path = try input.path()
            self = .open(
                path: path, flags: input.remaining < 4 ? [] : SFTPOpenFlags(rawValue: try input.uint32()))
        case .close: self = .close(handle: try input.handle())
        case .read: self = .read(handle: try input.handle(), offset: try input.uint64())
        case .write:
            self = .write(handle: try input.handle(), offset: try input.uint64(), count: try input.uint32())
        case .setHandleStatus:
            self = .setHandleStatus(handle: try input.handle(), try SFTPAttributes(from: &input))
        case .setStatus: self = .change(try Self.attributes(&input))
        case .remove: self = .change(.asked(.remove, try input.path()))
        case .makeDirectory: self = .change(.asked(.makeDirectory, try input.path()))
        case .removeDirectory: self = .change(.asked(.removeDirectory, try input.path()))
        case .rename: self = .change(try Self.pair(.rename, &input))
        case .symbolicLink:
            // OpenSSH's order (PROTOCOL section 4.1): what it leads to, then the link.
            let pair = try Self.pair(.symlink, &input)
            self = .change(.asked(.symlink, pair.other, other: pair.path))
        case .extended: try self.init(extension: try input.path(), &input)
        default: self = .other
        }
    }

    /// OpenSSH's PROTOCOL section 4.
    private init(extension name: [UInt8], _ input: inout WireReader) throws(WireError) {
        switch String(decoding: name, as: UTF8.self) {
        case "posix-rename@openssh.com": self = .change(try Self.pair(.rename, &input))
        case "hardlink@openssh.com":
            let pair = try Self.pair(.link, &input)
            self = .change(.asked(.link, pair.other, other: pair.path))
        case "lsetstat@openssh.com": self = .change(try Self.attributes(&input))
        case "copy-data":
            let source = try input.handle()
            _ = (try input.uint64(), try input.uint64())
            self = .copy(from: source, to: try input.handle())
        case "statvfs@openssh.com", "fstatvfs@openssh.com", "fsync@openssh.com", "limits@openssh.com",
            "expand-path@openssh.com", "home-directory", "users-groups-by-id@openssh.com":
            self = .other
        default: self = .change(.asked(.unknown, Array(name.prefix(256))))
        }
    }

    private static func pair(
        _ kind: FileOperation.Kind, _ input: inout WireReader
    ) throws(WireError) -> FileOperation {
        let first = try input.path()
        return .asked(kind, first, other: input.remaining < 4 ? [] : try input.path())
    }

    private static func attributes(_ input: inout WireReader) throws(WireError) -> FileOperation {
        var operation = FileOperation.asked(.attributes, try input.path())
        if input.remaining >= 4 { operation.attributes = try SFTPAttributes(from: &input).text }
        return operation
    }

    /// About how much memory it takes while the host has not answered, in bytes.
    var size: Int {
        switch self {
        case .open(let path, _): 256 + path.count
        case .change(let operation): 256 + operation.path.count + operation.other.count
        default: 256
        }
    }
}

extension FileOperation {
    fileprivate static func asked(_ kind: Kind, _ path: [UInt8], other: [UInt8] = []) -> FileOperation {
        var operation = FileOperation(kind, path: path, result: cut)
        operation.other = other
        return operation
    }
}

extension WireReader {
    /// A path, cut where the head of its message was.
    fileprivate mutating func path() throws(WireError) -> [UInt8] {
        let count = Int(try uint32())
        return Array(try raw(min(count, remaining)))
    }

    /// What names an open file.
    fileprivate mutating func handle() throws(WireError) -> [UInt8] {
        let handle = try data()
        guard handle.count <= SFTPMessage.handleLimit else {
            throw WireError("a handle of \(handle.count) bytes")
        }
        return handle
    }
}
