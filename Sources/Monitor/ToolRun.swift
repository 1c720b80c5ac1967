import Control
import Glibc
import Support

/// One run of the session program as a tool: pipes on descriptors 0 to 2, a control channel on 3.
///
/// Everything happens on the caller's thread.
struct ToolRun: Sendable {
    /// What came of it.
    struct Outcome: Equatable, Sendable {
        /// The exit status, or 128 plus a signal.
        var status: Int32
        var output: [UInt8]
        var errors: [UInt8]
    }

    /// Why it was broken off.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    var arguments: [String]
    var input: [UInt8] = []
    /// Of standard output and standard error each, in bytes.
    var outputLimit = 16 * 1_024 * 1_024
    var timeout: Duration

    /// Runs the program to its end and answers its requests meanwhile.
    ///
    /// - Throws: `SystemError`, `WireError`, `Failure`, or what `answer` throws; the process has been reaped then too.
    func perform(
        _ program: SessionProgram, answer: (SessionRequest) throws -> (SessionReply, [Descriptor])
    ) throws -> Outcome {
        // The only owner of the ends: closing the input is what tells the tool that it has all.
        let process: SessionChild
        var ends: ToolEnds
        (process, ends) = try start(program)
        do {
            try ends.pump(input, outputLimit: outputLimit, until: .now + timeout, answer)
            return Outcome(
                status: process.finish(), output: ends.outputBytes, errors: ends.errorBytes)
        } catch {
            _ = process.finish(within: .zero)
            throw error
        }
    }

    /// A function of its own, so that this process keeps no end that is the child's.
    private func start(_ program: SessionProgram) throws -> (process: SessionChild, ends: ToolEnds) {
        let input = try Descriptor.pipe()
        let output = try Descriptor.pipe()
        let errors = try Descriptor.pipe()
        let (control, childControl) = try MessageSocket.pair()
        let process = try SessionChild.start(
            program, arguments: arguments,
            descriptors: [input.read, output.write, errors.write, childControl.descriptor])
        try input.write.setNonBlocking(true)
        let ends = ToolEnds(
            input: input.write, output: output.read, errors: errors.read, control: control)
        return (process, ends)
    }
}

/// The daemon's ends of a tool's channels; each is nil from its end on.
private struct ToolEnds {
    var input: Descriptor?
    var output: Descriptor?
    var errors: Descriptor?
    var control: MessageSocket?
    var outputBytes: [UInt8] = []
    var errorBytes: [UInt8] = []
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    init(input: Descriptor, output: Descriptor, errors: Descriptor, control: MessageSocket) {
        self.input = input
        self.output = output
        self.errors = errors
        self.control = control
    }

    /// Moves bytes and answers requests until the tool has closed both outputs.
    mutating func pump(
        _ contents: [UInt8], outputLimit: Int, until deadline: MonotonicTime,
        _ answer: (SessionRequest) throws -> (SessionReply, [Descriptor])
    ) throws {
        var pending = contents[...]
        if pending.isEmpty { input = nil }
        while output != nil || errors != nil {
            // poll(2) skips negative descriptors.
            var requests = [input, output, errors, control?.descriptor].map {
                pollfd(fd: $0?.number ?? -1, events: Int16(POLLIN), revents: 0)
            }
            requests[0].events = Int16(POLLOUT)
            let left = (deadline - .now).milliseconds
            guard left > 0 else { throw ToolRun.Failure(description: "it took too long") }
            let ready = unsafe poll(&requests, nfds_t(requests.count), Int32(clamping: left))
            if ready < 0, errno != EINTR { throw SystemError("poll") }
            guard ready > 0 else { continue }

            if requests[0].revents != 0 { feed(&pending) }
            if requests[1].revents != 0, let source = output {
                let count = try source.read(into: &chunk)
                outputBytes += chunk[..<count]
                if count == 0 { output = nil }
            }
            if requests[2].revents != 0, let source = errors {
                let count = try source.read(into: &chunk)
                errorBytes += chunk[..<count]
                if count == 0 { errors = nil }
            }
            guard outputBytes.count <= outputLimit, errorBytes.count <= outputLimit else {
                throw ToolRun.Failure(description: "its output is longer than \(outputLimit) bytes")
            }
            if requests[3].revents != 0 { try converse(answer) }
        }
    }

    private mutating func feed(_ pending: inout ArraySlice<UInt8>) {
        guard let input else { return }
        let written = unsafe pending.withUnsafeBytes { raw in
            unsafe write(input.number, raw.baseAddress, raw.count)
        }
        if written > 0 { pending = pending.dropFirst(written) }
        // A tool that does not want its input says why on its standard error.
        let hasFailed = written < 0 && errno != EAGAIN && errno != EINTR
        if pending.isEmpty || hasFailed { self.input = nil }
    }

    private mutating func converse(
        _ answer: (SessionRequest) throws -> (SessionReply, [Descriptor])
    ) throws {
        guard let channel = control else { return }
        // A tool that has closed its end, with or without reading the last answer, is at its end.
        guard let (message, _) = try? channel.receive() else {
            control = nil
            return
        }
        let (reply, descriptors) = try answer(try SessionRequest(decoding: message))
        do { try channel.send(reply.encoded, with: descriptors) } catch { control = nil }
    }
}
