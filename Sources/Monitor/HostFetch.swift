import Audit
import Control
import Directory
import Glibc
import Support

/// One connection to a host that does not reach the gateway, over which its watcher delivers; on the caller's thread.
///
/// A process of the session program logs in there as root, by a line that lets it call the watcher and nothing else, and passes on what
/// the watcher says.
struct HostFetch {
    /// From one step to the next until the watcher has said something.
    private static let patience = Duration.seconds(60)
    private static let complaintLimit = 4_096

    let gateway: Gateway
    let host: Host
    let key: WatchKey

    private struct Ends {
        let process: SessionChild
        let stream: Descriptor
        let errors: Descriptor
        let control: MessageSocket
    }

    /// Connects and delivers until the connection ends.
    ///
    /// - Parameters:
    ///   - begun: called with the stream before anything is done: to be shut down by who wants an end.
    ///   - greeted: called when the watcher delivers.
    /// - Returns: why it ended, and since when the watcher has delivered; nil: it never did.
    func run(
        begun: (Descriptor) -> Void, greeted announce: () -> Void
    ) -> (reason: String, greeted: MonotonicTime?) {
        var greeted: MonotonicTime?
        do {
            let ends = try start()
            begun(ends.stream)
            var login = RootLogin(.fetch, on: host, settings: gateway.settings, reach: gateway.reach)
            var words: [UInt8] = []
            var trouble: String?
            do { try converse(ends, &login, &words, &greeted, announce) } catch { trouble = "\(error)" }
            shutdown(ends.stream.number, Int32(SHUT_RDWR))
            _ = ends.process.finish()
            Self.keep((try? ends.errors.readAll(limit: 1 << 20)) ?? [], in: &words)
            if let trouble { return (trouble, greeted) }
            guard login.isReady else { return ("\(login.error(after: words))", nil) }
            let last = String(decoding: words, as: UTF8.self).split(whereSeparator: \.isNewline).last
            return (last.map { String($0).printable } ?? "the connection ended", greeted)
        } catch {
            return ("\(error)", greeted)
        }
    }

    /// A function of its own, so that this process keeps no end that is the child's.
    private func start() throws(SystemError) -> Ends {
        let (ours, theirs) = try StreamSocket.pair()
        let errors = try Descriptor.pipe()
        let (control, childControl) = try MessageSocket.pair()
        let process = try SessionChild.start(
            gateway.program, arguments: ["run", "deliver"],
            descriptors: [theirs, theirs, errors.write, childControl.descriptor])
        return Ends(process: process, stream: ours, errors: errors.read, control: control)
    }

    /// Answers the process's requests and takes in its complaints until the stream has ended.
    private func converse(
        _ ends: Ends, _ login: inout RootLogin, _ words: inout [UInt8], _ greeted: inout MonotonicTime?,
        _ announce: () -> Void
    ) throws {
        var (control, errors): (MessageSocket?, Descriptor?) = (ends.control, ends.errors)
        var deadline = MonotonicTime.now + Self.patience
        while true {
            // poll(2) skips negative descriptors; of a stream that is the delivery's it tells the end alone.
            var requests = [
                pollfd(fd: ends.stream.number, events: greeted == nil ? Int16(POLLIN) : 0, revents: 0),
                pollfd(fd: control?.descriptor.number ?? -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors?.number ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let left = greeted == nil ? max(0, (deadline - .now).milliseconds) : -1
            let ready = unsafe poll(&requests, nfds_t(requests.count), Int32(clamping: left))
            if ready < 0, errno != EINTR { throw SystemError("poll") }
            if ready == 0 { throw ToolRun.Failure(description: "the watcher on \(host.name) says nothing") }
            guard ready > 0 else { continue }
            if requests[1].revents != 0, let channel = control {
                if let (message, _) = try? channel.receive() {
                    let (reply, gifts) = try login.answer(try SessionRequest(decoding: message))
                    if (try? channel.send(reply.encoded, with: gifts)) == nil { control = nil }
                    deadline = .now + Self.patience
                } else {
                    control = nil
                }
            }
            if requests[2].revents != 0, let source = errors {
                var chunk = [UInt8](repeating: 0, count: Self.complaintLimit)
                let count = try source.read(into: &chunk)
                Self.keep(chunk[..<count], in: &words)
                if count == 0 { errors = nil }
            }
            if greeted == nil, requests[0].revents != 0 {
                guard login.isReady, try StreamSocket.hasBytes(ends.stream) else { return }
                try begin(ends.stream)
                greeted = .now
                announce()
            } else if requests[0].revents != 0 {
                return
            }
        }
    }

    /// The watcher speaks: its delivery begins, in the log first.
    private func begin(_ stream: Descriptor) throws {
        let session = SessionID()
        try gateway.events.append(
            Event(
                .watcherConnected, session: session.description, host: host.name, address: host.address,
                detail: ["key": key.material.fingerprint, "way": "fetched"]))
        try gateway.desk.take(
            stream, host: host.name, keyBlob: key.material.blob, session: session, address: host.address)
    }

    private static func keep(_ more: some Sequence<UInt8>, in words: inout [UInt8]) {
        words = Array((words + more).suffix(complaintLimit))
    }
}
