import Support

/// Follows a connection to an SFTP server of version 3.
///
/// One thread at a time.
package final class SFTPTrail: TransferTrail {
    /// For requests without an answer and open files together, in bytes; beyond it the trail ends.
    static let memoryLimit = 4 << 20

    /// What was asked and not answered.
    private struct Pending {
        let request: SFTPRequest
        /// The file whose digest has the bytes of a write.
        var hashedBy: OpenFile?
    }

    /// Bytes of a message that go into a file's digest.
    private struct Content {
        let file: OpenFile
        var remaining: Int

        mutating func take(_ bytes: ArraySlice<UInt8>) {
            let part = bytes.prefix(remaining)
            file.add(part)
            remaining -= part.count
        }
    }

    private let wantsDigests: Bool
    private var fromClient = SFTPScanner()
    private var fromHost = SFTPScanner()
    private var pending: [UInt32: Pending] = [:]
    private var files: [[UInt8]: OpenFile] = [:]
    private var usedMemory = 0
    private var written: Content?
    private var read: Content?
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
            operations += unfinished()
        }
        defer { operations = [] }
        return operations
    }

    package func end() -> [FileOperation] { unfinished() }

    /// Gives what is known of what is under way, and forgets it.
    private func unfinished() -> [FileOperation] {
        var rest = files.values.map { $0.operation(result: FileOperation.cut) }
        for entry in pending.values {
            switch entry.request {
            case .open(let path, let flags): rest.append(.asked(flags.areForWriting ? .write : .read, path))
            case .change(let operation): rest.append(operation)
            case .setHandleStatus(let handle, let attributes):
                if let file = files[handle] { rest.append(.asked(file.path, attributes)) }
            case .copy(let source, let target): rest += copy(source, target).map { [$0] } ?? []
            case .close, .read, .write, .other: break
            }
        }
        pending = [:]
        files = [:]
        (written, read) = (nil, nil)
        usedMemory = 0
        return rest.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private func takeFromClient(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        var rest = bytes
        while let piece = try fromClient.next(from: &rest) {
            switch piece {
            case .content(let part): written?.take(part)
            case .message(let type, let head, let isCut):
                do throws(WireError) {
                    try takeRequest(SFTPMessage(type), head, isCut: isCut)
                } catch {
                    throw WireError("\(error.description): type \(type), \(PathText.shown(head.prefix(512)))")
                }
            }
        }
    }

    private func takeFromHost(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        var rest = bytes
        while let piece = try fromHost.next(from: &rest) {
            switch piece {
            case .content(let part): read?.take(part)
            case .message(let type, let head, _): try takeAnswer(SFTPMessage(type), head)
            }
        }
    }

    private func use(_ bytes: Int) throws(WireError) {
        usedMemory += bytes
        guard usedMemory <= Self.memoryLimit else {
            throw WireError("more requests and files to open than can be followed")
        }
    }

    /// A copy that is not answered; nil: the host does not know the file either.
    private func copy(_ source: [UInt8], _ target: [UInt8]) -> FileOperation? {
        files[target].map { .asked(.copy, $0.path, other: files[source]?.path ?? []) }
    }
}

extension SFTPTrail {
    private func takeRequest(_ message: SFTPMessage, _ head: [UInt8], isCut: Bool) throws(WireError) {
        written = nil
        if message == .initialize { return }
        var input = WireReader(head)
        let number = try input.uint32()
        var entry = Pending(request: try SFTPRequest(message, &input, isCut: isCut))
        if case .write(let handle, let offset, let count) = entry.request, let file = files[handle],
            file.expects(.toHost, at: offset)
        {
            entry.hashedBy = file
            var content = Content(file: file, remaining: Int(count))
            content.take(input.rest)
            written = content
        }
        // Answers are told apart by the number alone.
        guard pending.updateValue(entry, forKey: number) == nil else {
            throw WireError("two requests of the same number")
        }
        try use(entry.request.size)
    }

    private func takeAnswer(_ message: SFTPMessage, _ head: [UInt8]) throws(WireError) {
        read = nil
        if message == .version { return }
        var input = WireReader(head)
        guard let entry = pending.removeValue(forKey: try input.uint32()) else {
            throw WireError("an answer to nothing")
        }
        usedMemory -= entry.request.size
        switch message {
        case .status: settle(entry, try input.uint32())
        case .handle:
            guard case .open(let path, let flags) = entry.request else { return }
            let file = OpenFile(path: path, flags: flags, wantsDigest: wantsDigests)
            // A host that gives one handle twice has closed it before.
            if let old = files.updateValue(file, forKey: try input.data()) { finish(old, FileOperation.cut) }
            try use(file.size)
        case .data:
            guard case .read(let handle, let offset) = entry.request, let file = files[handle] else { return }
            let count = try input.uint32()
            file.bytesRead += UInt64(count)
            if file.expects(.fromHost, at: offset) { read = Content(file: file, remaining: Int(count)) }
        case .extendedReply: settle(entry, SFTPStatus.ok)
        default: break
        }
    }

    /// What the host said of a request without giving anything.
    private func settle(_ entry: Pending, _ status: UInt32) {
        switch entry.request {
        case .open(let path, let flags):
            // Nothing was opened, so this is all.
            operations.append(.asked(flags.areForWriting ? .write : .read, path).answered(status))
        case .close(let handle):
            guard let file = files.removeValue(forKey: handle) else { return }
            finish(file, SFTPStatus.text(status))
        case .read(let handle, _):
            if status != SFTPStatus.endOfFile { fail(handle, status) }
        case .write(let handle, _, let count): settleWrite(handle, count, hashedBy: entry.hashedBy, status)
        case .setHandleStatus(let handle, let attributes):
            guard let file = files[handle] else { return }
            // A refused one may have been done in part.
            if status == SFTPStatus.ok, let joined = file.attributes.joined(with: attributes) {
                file.attributes = joined
            } else {
                operations.append(.asked(file.path, attributes).answered(status))
            }
        case .copy(let source, let target):
            if let operation = copy(source, target) { operations.append(operation.answered(status)) }
        case .change(let operation): operations.append(operation.answered(status))
        case .other: break
        }
    }

    /// Bytes that the host took and the digest has not, or the other way round, leave none.
    private func settleWrite(_ handle: [UInt8], _ count: UInt32, hashedBy hasher: OpenFile?, _ status: UInt32)
    {
        let file = files[handle]
        if hasher !== file || status != SFTPStatus.ok {
            hasher?.dropDigest()
            file?.dropDigest()
        }
        if status == SFTPStatus.ok { file?.bytesWritten += UInt64(count) } else { fail(handle, status) }
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
