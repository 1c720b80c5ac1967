import Digests
import Support

/// Follows a copy by the old protocol of scp (`scp -O`; `source` and `sink` in scp.c of OpenSSH): one end sends lines and files, and
/// waits for an answer after each.
///
/// An operation's path is what the client had the host's shell find, its `other` the name that was sent: the file is either the first,
/// or the second one in it. One thread at a time.
package final class SCPTrail: TransferTrail {
    /// No line is longer, in bytes, and no folder deeper.
    private static let lineLimit = 8_192
    private static let depthLimit = 256

    /// What the source does next.
    private enum Step: Equatable {
        /// It waits to be answered; nothing else may come from it.
        case waiting(Answered)
        case line
        case content(remaining: UInt64)
        /// It says whether the file was whole.
        case verdict
    }

    /// What an answer is for.
    private enum Answered: Equatable { case start, times, folder, leaving, file, content }

    private let command: SCPCommand
    private let wantsDigests: Bool
    private var step = Step.waiting(.start)
    private var line: [UInt8] = []
    private var answer: [UInt8] = []
    private var folders: [[UInt8]] = []
    private var file: FileOperation?
    /// Bytes that it has, as the source says.
    private var size: UInt64 = 0
    private var digest: SHA256?
    private var operations: [FileOperation] = []

    package private(set) var trouble: String?

    /// - Parameter wantsDigests: whether each file's bytes are hashed.
    package init(_ command: SCPCommand, wantsDigests: Bool) {
        self.command = command
        self.wantsDigests = wantsDigests
    }

    package func take(_ bytes: ArraySlice<UInt8>, from peer: TransferPeer) -> [FileOperation] {
        guard trouble == nil else { return [] }
        var rest = bytes
        do throws(WireError) {
            while !rest.isEmpty {
                if peer == command.source { try takeFromSource(&rest) } else { try takeAnswer(&rest) }
            }
        } catch {
            trouble = "\(peer.name) sent \(error.description)"
            finish(FileOperation.cut)
        }
        defer { operations = [] }
        return operations
    }

    package func end() -> [FileOperation] {
        finish(FileOperation.cut)
        defer { operations = [] }
        return operations
    }

    private func takeFromSource(_ bytes: inout ArraySlice<UInt8>) throws(WireError) {
        switch step {
        case .waiting: throw WireError("something before it was answered")
        case .line:
            if let line = try Self.line(from: &bytes, into: &line) { try takeLine(line) }
        case .content(let remaining):
            let part = bytes.prefix(Int(clamping: remaining))
            bytes = bytes.dropFirst(part.count)
            digest?.update(part)
            if command.source == .client {
                file?.bytesWritten += UInt64(part.count)
            } else {
                file?.bytesRead += UInt64(part.count)
            }
            let left = remaining - UInt64(part.count)
            step = left == 0 ? .verdict : .content(remaining: left)
        case .verdict:
            if line.isEmpty, bytes.first == 0 {
                bytes.removeFirst()
                file?.digest = digest?.value() ?? []
            } else if let line = try Self.line(from: &bytes, into: &line) {
                file?.result = Self.text(line)
            } else {
                return
            }
            step = .waiting(.content)
        }
    }

    private func takeLine(_ line: [UInt8]) throws(WireError) {
        let rest = line.dropFirst()
        switch line.first {
        case UInt8(ascii: "T"): step = .waiting(.times)
        case UInt8(ascii: "E"):
            guard folders.popLast() != nil else { throw WireError("the end of a folder that did not begin") }
            step = .waiting(.leaving)
        case UInt8(ascii: "D"):
            guard folders.count < Self.depthLimit else { throw WireError("too many folders in each other") }
            folders.append(try Self.header(rest).name)
            step = .waiting(.folder)
        case UInt8(ascii: "C"):
            let header = try Self.header(rest)
            file = operation(header.name)
            file?.attributes = "mode=\(header.mode)"
            step = .waiting(.file)
            size = header.size
        case 1, 2:
            // About a file that there is not, or that cannot be read. Nobody answers. Of the client's own there is nothing to tell.
            guard command.source == .host else { return }
            var operation = operation([])
            operation.result = Self.text(line)
            operations.append(operation)
        default: throw WireError("a line that scp does not have")
        }
    }

    private func takeAnswer(_ bytes: inout ArraySlice<UInt8>) throws(WireError) {
        let isDone = answer.isEmpty && bytes.first == 0
        var reason = ""
        if isDone {
            bytes.removeFirst()
        } else {
            guard !answer.isEmpty || bytes.first == 1 || bytes.first == 2 else {
                throw WireError("an answer that scp does not have")
            }
            guard let line = try Self.line(from: &bytes, into: &answer) else { return }
            reason = Self.text(line)
        }
        guard case .waiting(let answered) = step else {
            // A second remark on a file; who waits for answers takes the first for it.
            if isDone { throw WireError("an answer to nothing") }
            return
        }
        step = .line
        switch answered {
        case .start, .times, .leaving: break
        case .folder: if !isDone { folders.removeLast() }
        case .file:
            guard isDone else { return finish(reason) }
            digest = wantsDigests ? SHA256() : nil
            file?.result = FileOperation.ok
            step = size == 0 ? .verdict : .content(remaining: size)
        case .content: finish(isDone ? nil : reason)
        }
    }

    private func operation(_ name: [UInt8]) -> FileOperation {
        let kind: FileOperation.Kind = command.source == .client ? .write : .read
        var operation = FileOperation(kind, path: command.target, result: FileOperation.cut)
        operation.other = Array((folders + [name]).joined(separator: [UInt8(ascii: "/")]))
        return operation
    }

    /// - Parameter reason: why it is not what it should be; nil: as it is known.
    private func finish(_ reason: String?) {
        guard var file else { return }
        if let reason, file.result == FileOperation.ok || reason != FileOperation.cut { file.result = reason }
        operations.append(file)
        self.file = nil
        digest = nil
    }

    /// Takes bytes up to the end of a line, and the line if that is there.
    private static func line(
        from bytes: inout ArraySlice<UInt8>, into line: inout [UInt8]
    ) throws(WireError) -> [UInt8]? {
        let part = bytes.prefix { $0 != UInt8(ascii: "\n") }
        guard line.count + part.count <= lineLimit else { throw WireError("a line that is too long") }
        line += part
        bytes = bytes.dropFirst(part.count)
        guard bytes.popFirst() != nil else { return nil }
        defer { line.removeAll(keepingCapacity: true) }
        return line
    }

    /// Reads `0644 SIZE NAME`.
    private static func header(_ line: ArraySlice<UInt8>) throws(WireError) -> (
        mode: String, size: UInt64, name: [UInt8]
    ) {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty else {
            throw WireError("a line without mode, size and name")
        }
        let mode = String(decoding: parts[0], as: UTF8.self)
        guard mode.count <= 8, UInt32(mode, radix: 8) != nil,
            let size = UInt64(String(decoding: parts[1], as: UTF8.self))
        else { throw WireError("a mode or a size that is none") }
        return (mode, size, Array(parts[2]))
    }

    /// What went wrong, as the other end says it.
    private static func text(_ line: [UInt8]) -> String {
        String(decoding: line.dropFirst().prefix(256), as: UTF8.self).printable
    }
}
