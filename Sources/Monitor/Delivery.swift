import Audit
import Control
import Directory
import Glibc
package import Support

/// One connection of a host's watcher, from its `hello` to its end, on a thread of its own.
struct Delivery {
    /// What a host must have said within this time, and how long an answer may wait to be read.
    private static let patience = Duration.seconds(30)
    private static let pieceSize = 256 * 1_024

    let desk: DeliveryDesk
    let host: String
    /// The key with which it logged in.
    let keyBlob: [UInt8]
    let session: SessionID
    let address: String
    let socket: Descriptor

    /// Takes what comes until the host has nothing more to say, breaks the protocol or is not welcome any more.
    ///
    /// - Returns: why it ended.
    func run() -> String {
        var frames = DeliveryFrames()
        var buffer = [UInt8](repeating: 0, count: Self.pieceSize)
        var allowance = DeliveryAllowance(at: .now)
        var isGreeted = false
        do {
            while true {
                while let message = try frames.next() {
                    guard try isWelcome() else { return "the watcher's key was taken away" }
                    try answer(to: message, isGreeted: isGreeted)
                    if case .hello = message { isGreeted = true }
                }
                guard socket.waits(for: Int16(POLLIN), until: .now + Self.patience) else {
                    return "nothing was heard for \(Self.patience.components.seconds) s"
                }
                let count = try socket.read(into: &buffer)
                guard count > 0 else { return "the host closed it" }
                frames.append(buffer[..<count])
                let pause = allowance.pause(after: count, at: .now)
                if pause > .zero { usleep(UInt32(clamping: pause.milliseconds * 1_000)) }
            }
        } catch {
            return "\(error)"
        }
    }

    private func isWelcome() throws -> Bool {
        try desk.directory.watchKey(of: host)?.material.blob == keyBlob
    }

    private func answer(to message: DeliveryMessage, isGreeted: Bool) throws {
        switch message {
        case .hello(let version, _):
            desk.heard(of: host, version: String(version.prefix(64)).printable)
            try send(.welcome)
            // The book looks for what was missed once for a connection, however often the host greets.
            if !isGreeted { desk.wantMissedRescans(by: host) }
            for (tree, isWhole) in desk.takeRescans(of: host) {
                try send(.rescan(tree: tree, isWhole: isWhole))
            }
        case .status(let status):
            desk.heard(of: host, status: status)
            for (tree, isWhole) in desk.takeRescans(of: host) {
                try send(.rescan(tree: tree, isWhole: isWhole))
            }
        case .load(let load): desk.heard(of: host, load: load)
        case .segment(let name, let acceptsHole, let bytes):
            desk.heard(of: host)
            try send(take(name: name, acceptsHole: acceptsHole, bytes))
        case .welcome, .taken, .refused, .rescan:
            throw WireError("the host sent what only the gateway says")
        }
    }

    private func take(name: String, acceptsHole: Bool, _ bytes: [UInt8]) throws -> DeliveryMessage {
        do {
            let outcome = try desk.sink.take(
                bytes, from: host, signedBy: keyBlob, acceptingHole: acceptsHole)
            switch outcome {
            case .taken(let events, let hasGaps, let strangers):
                desk.noteTaken(from: host, events: events, bytes: bytes.count)
                if strangers > 0 {
                    desk.log.warning(
                        "records left out: they are about trees that the host does not have",
                        ["host.name": host, "records": "\(strangers)"])
                }
                if acceptsHole {
                    try note(.watcherGap, ["reason": "what came before a segment is lost, says the host"])
                    desk.wantRescan(of: host, isWhole: true)
                } else if hasGaps {
                    try note(.watcherGap, ["reason": "the host missed events, and says so"])
                    desk.wantRescan(of: host, isWhole: false)
                }
                return .taken(name: name)
            case .repeated:
                return .taken(name: name)
            case .outOfOrder:
                // With what comes before it, it will be in order; without, the host has to say so, and that is noted.
                return .refused(
                    name: name, .outOfOrder, reason: "what comes before it in its chain is not in the book")
            }
        } catch let error as DamagedSegment {
            try note(.watcherRefused, ["segment": String(name.prefix(64)), "reason": "\(error)"])
            desk.log.warning("segment refused", ["host.name": host, "reason": "\(error)"])
            return .refused(name: name, .damaged, reason: "\(error)")
        } catch {
            desk.complain(of: error, host: host)
            return .refused(name: name, .later, reason: "the book cannot be written now: \(error)")
        }
    }

    private func note(_ kind: EventKind, _ detail: [String: String]) throws {
        try desk.events.append(
            Event(kind, session: session.description, host: host, address: address, detail: detail))
    }

    private func send(_ message: DeliveryMessage) throws {
        let deadline = MonotonicTime.now + Self.patience
        var rest = message.encoded[...]
        while !rest.isEmpty {
            guard socket.waits(for: Int16(POLLOUT), until: deadline) else {
                throw WireError("the host does not read its answers")
            }
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(
                    socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0, errno != EAGAIN, errno != EINTR { throw SystemError("send") }
            rest = rest.dropFirst(max(0, count))
        }
    }
}

/// How fast a host may deliver: a reserve that fills at a steady rate. Pure: the time is a parameter.
package struct DeliveryAllowance: Sendable {
    /// Bytes a second, in the long run.
    package static let rate = 16.0 * 1_024 * 1_024
    /// Bytes at once, after a while of silence.
    package static let reserve = 64.0 * 1_024 * 1_024

    private var left = Self.reserve
    private var time: MonotonicTime

    package init(at time: MonotonicTime) {
        self.time = time
    }

    /// Counts bytes that came, and says how long not to read on.
    package mutating func pause(after count: Int, at now: MonotonicTime) -> Duration {
        let passed = Double((now - time).milliseconds) / 1_000
        left = min(Self.reserve, left + passed * Self.rate) - Double(count)
        time = now
        return left >= 0 ? .zero : .milliseconds(Int64(-left / Self.rate * 1_000))
    }
}
