import Support

/// Follows a connection to an SFTP server of version 3.
///
/// One thread at a time.
package final class SFTPTrail: TransferTrail {
    /// For requests without an answer and open files together, in bytes; beyond it the trail ends.
    static let memoryLimit = 4 << 20

    private let wantsDigests: Bool
    private var fromClient = SFTPScanner()
    private var fromHost = SFTPScanner()
    private var requests: [UInt32: SFTPRequest] = [:]
    private var files: [[UInt8]: OpenFile] = [:]
    private var usedMemory = 0
    /// Whose bytes follow in either direction.
    private var written: OpenFile?
    private var read: OpenFile?
    private var operations: [FileOperation] = []

    /// Why nothing is followed any more; nil: all is.
    package private(set) var trouble: String?

    /// - Parameter wantsDigests: whether each file's bytes are hashed.
    package init(wantsDigests: Bool) {
        self.wantsDigests = wantsDigests
    }

    package func take(_ bytes: ArraySlice<UInt8>, from peer: TransferPeer) -> [FileOperation] {
        guard trouble == nil else { return [] }
        do throws(WireError) {
            switch peer {
            case .client: try takeFromClient(bytes)
            case .host: try takeFromHost(bytes)
            }
        } catch {
            trouble = "\(peer.name) sent \(error.description)"
            forget()
        }
        defer { operations = [] }
        return operations
    }

    package func end() -> [FileOperation] {
        defer { forget() }
        var rest = files.values.map { $0.operation(result: FileOperation.cut) }
        for case .change(let operation) in requests.values { rest.append(operation) }
        return rest.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private func takeFromClient(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        var rest = bytes
        while let piece = try fromClient.next(from: &rest) {
            switch piece {
            case .content(let part): written?.add(part)
            case .message(let type, let head): try takeRequest(SFTPMessage(type), head)
            }
        }
    }

    private func takeFromHost(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        var rest = bytes
        while let piece = try fromHost.next(from: &rest) {
            switch piece {
            case .content(let part): read?.add(part)
            case .message(let type, let head): try takeAnswer(SFTPMessage(type), head)
            }
        }
    }

    private func use(_ bytes: Int) throws(WireError) {
        usedMemory += bytes
        guard usedMemory <= Self.memoryLimit else {
            throw WireError("more requests and files to open than can be followed")
        }
    }

    private func forget() {
        requests = [:]
        files = [:]
        (written, read) = (nil, nil)
        usedMemory = 0
    }
}

extension SFTPTrail {
    private func takeRequest(_ message: SFTPMessage, _ head: [UInt8]) throws(WireError) {
        written = nil
        if message == .initialize { return }
        var input = WireReader(head)
        let number = try input.uint32()
        let request = try SFTPRequest(message, &input)
        // Answers are told apart by the number alone.
        guard requests.updateValue(request, forKey: number) == nil else {
            throw WireError("two requests of the same number")
        }
        try use(request.size)
        if case .write(let handle, let offset, let count) = request, let file = files[handle],
            file.expects(.toHost, at: offset)
        {
            let rest = input.rest
            file.add(rest.prefix(Int(count)))
            if rest.count < Int(count) { written = file }
        }
    }

    private func takeAnswer(_ message: SFTPMessage, _ head: [UInt8]) throws(WireError) {
        read = nil
        if message == .version { return }
        var input = WireReader(head)
        guard let request = requests.removeValue(forKey: try input.uint32()) else {
            throw WireError("an answer to nothing")
        }
        usedMemory -= request.size
        switch message {
        case .status: settle(request, try input.uint32())
        case .handle:
            guard case .open(let path, let flags) = request else { return }
            let file = OpenFile(path: path, flags: flags, wantsDigest: wantsDigests)
            // A host that gives one handle twice has closed it before.
            if let old = files.updateValue(file, forKey: try input.data()) { finish(old, FileOperation.cut) }
            try use(file.size)
        case .data:
            guard case .read(let handle, let offset) = request, let file = files[handle] else { return }
            let count = try input.uint32()
            file.bytesRead += UInt64(count)
            if file.expects(.fromHost, at: offset) { read = file }
        case .extendedReply: settle(request, SFTPStatus.ok)
        default: break
        }
    }

    /// What the host said of a request without giving anything.
    private func settle(_ request: SFTPRequest, _ status: UInt32) {
        let isDone = status == SFTPStatus.ok
        switch request {
        case .open(let path, let flags):
            // Nothing was opened, so this is all.
            let kind: FileOperation.Kind = flags.areForWriting ? .write : .read
            operations.append(FileOperation(kind, path: path, result: SFTPStatus.text(status)))
        case .close(let handle):
            guard let file = files.removeValue(forKey: handle) else { return }
            finish(file, SFTPStatus.text(status))
        case .read(let handle, _):
            if status != SFTPStatus.endOfFile { fail(handle, status) }
        case .write(let handle, _, let count):
            if isDone { files[handle]?.bytesWritten += UInt64(count) } else { fail(handle, status) }
        case .setHandleStatus(let handle, let attributes):
            guard isDone, let file = files[handle] else { return }
            file.attributes = file.attributes.followed(by: attributes)
        case .copy(let source, let target):
            guard isDone, let source = files[source], let target = files[target] else {
                return fail(target, status)
            }
            usedMemory += source.path.count - target.copiedFrom.count
            target.copiedFrom = source.path
        case .change(var operation):
            operation.result = SFTPStatus.text(status)
            operations.append(operation)
        case .other: break
        }
    }

    private func fail(_ handle: [UInt8], _ status: UInt32) {
        guard let file = files[handle], file.failure == nil else { return }
        file.failure = SFTPStatus.text(status)
    }

    private func finish(_ file: OpenFile, _ result: String) {
        usedMemory -= file.size
        operations.append(file.operation(result: result))
    }
}
