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

    /// - Parameters:
    ///   - input: what follows the request's number.
    ///   - isCut: whether more of the message comes, so that its last path may be cut, and what follows it missing. No host takes
    ///     a path that long.
    /// - Throws: `WireError` when it is shorter than its fields: OpenSSH's server takes what is missing from the next message.
    init(_ message: SFTPMessage, _ input: inout WireReader, isCut: Bool) throws(WireError) {
        switch message {
        case .open:
            let path = try input.path(isCut)
            let hasFlags = !isCut || input.remaining >= 4
            self = .open(path: path, flags: hasFlags ? SFTPOpenFlags(rawValue: try input.uint32()) : [])
        case .close: self = .close(handle: try input.handle())
        case .read: self = .read(handle: try input.handle(), offset: try input.uint64())
        case .write:
            self = .write(handle: try input.handle(), offset: try input.uint64(), count: try input.uint32())
        case .setHandleStatus:
            self = .setHandleStatus(handle: try input.handle(), try SFTPAttributes(from: &input))
        case .setStatus: self = .change(try Self.attributes(&input, isCut))
        case .remove: self = .change(.asked(.remove, try input.path(isCut)))
        case .makeDirectory: self = .change(.asked(.makeDirectory, try input.path(isCut)))
        case .removeDirectory: self = .change(.asked(.removeDirectory, try input.path(isCut)))
        case .rename: self = .change(try Self.pair(.rename, &input, isCut))
        case .symbolicLink:
            // OpenSSH's order (PROTOCOL section 4.1): what it leads to, then the link.
            let pair = try Self.pair(.symlink, &input, isCut)
            self = .change(.asked(.symlink, pair.other, other: pair.path))
        case .extended: try self.init(extension: try input.path(isCut), &input, isCut)
        default: self = .other
        }
    }

    /// OpenSSH's PROTOCOL section 4.
    private init(
        extension name: [UInt8], _ input: inout WireReader, _ isCut: Bool
    ) throws(WireError) {
        switch String(decoding: name, as: UTF8.self) {
        case "posix-rename@openssh.com": self = .change(try Self.pair(.rename, &input, isCut))
        case "hardlink@openssh.com":
            let pair = try Self.pair(.link, &input, isCut)
            self = .change(.asked(.link, pair.other, other: pair.path))
        case "lsetstat@openssh.com": self = .change(try Self.attributes(&input, isCut))
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
        _ kind: FileOperation.Kind, _ input: inout WireReader, _ isCut: Bool
    ) throws(WireError) -> FileOperation {
        let first = try input.path(isCut)
        return .asked(kind, first, other: isCut && input.remaining < 4 ? [] : try input.path(isCut))
    }

    private static func attributes(_ input: inout WireReader, _ isCut: Bool) throws(WireError)
        -> FileOperation
    {
        let path = try input.path(isCut)
        return .asked(
            path, isCut && input.remaining < 4 ? SFTPAttributes() : try SFTPAttributes(from: &input))
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
    /// What the host has not answered yet.
    static func asked(_ kind: Kind, _ path: [UInt8], other: [UInt8] = []) -> FileOperation {
        var operation = FileOperation(kind, path: path, result: cut)
        operation.other = other
        return operation
    }

    static func asked(_ path: [UInt8], _ attributes: SFTPAttributes) -> FileOperation {
        var operation = asked(.attributes, path)
        operation.attributes = attributes.text
        return operation
    }

    /// With what the host said of it.
    func answered(_ status: UInt32) -> FileOperation {
        var operation = self
        operation.result = SFTPStatus.text(status)
        return operation
    }
}

extension WireReader {
    /// A path, cut where its message was.
    fileprivate mutating func path(_ isCut: Bool) throws(WireError) -> [UInt8] {
        let count = Int(try uint32())
        return Array(try raw(isCut ? min(count, remaining) : count))
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
