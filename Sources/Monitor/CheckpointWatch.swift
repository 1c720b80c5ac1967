import AWS
import Audit
import Configuration
import Fleet
import Glibc
import Support

/// Signs the end of the event log every now and then, and sends that away.
///
/// Each checkpoint covers all events before it, so of those that could not be sent only the newest is tried again.
final class CheckpointWatch: Sendable {
    /// Between two attempts to send one.
    private static let patience = Duration.seconds(60)

    private let gateway: Gateway

    init(gateway: Gateway) {
        self.gateway = gateway
    }

    /// Makes one now and then for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("checkpoints") { [self] in watch() }
    }

    private func watch() {
        var made: MonotonicTime?
        var unsent: (checkpoint: Checkpoint, tried: MonotonicTime, to: [CheckpointDestination])?
        while true {
            let configuration = gateway.settings.configuration
            let interval = configuration.checkpointInterval
            if interval > .zero, made.map({ .now - $0 >= interval }) ?? true {
                made = .now
                if let checkpoint = make() {
                    unsent = (checkpoint, .now, send(checkpoint, to: configuration.checkpointDestinations))
                }
            }
            if let waiting = unsent, !waiting.to.isEmpty, .now - waiting.tried >= Self.patience {
                unsent = (waiting.checkpoint, .now, send(waiting.checkpoint, to: waiting.to))
            }
            sleep(1)
        }
    }

    /// The last one, as the daemon ends.
    func makeLast() {
        let configuration = gateway.settings.configuration
        guard configuration.checkpointInterval > .zero, let checkpoint = make() else { return }
        // Nobody waits for AWS at the end; the next daemon sends one that covers this one.
        _ = send(checkpoint, to: configuration.checkpointDestinations.filter { $0 == .syslog })
    }

    private func make() -> Checkpoint? {
        do {
            let made = try gateway.events.addCheckpoint(signedBy: gateway.eventKey)
            if let made { gateway.log.notice("events signed", ["checkpoint": made.line]) }
            return made
        } catch {
            gateway.log.error("events cannot be signed", ["error": "\(error)"])
            return nil
        }
    }

    /// - Returns: where it could not be sent.
    private func send(_ checkpoint: Checkpoint, to destinations: [CheckpointDestination])
        -> [CheckpointDestination]
    {
        destinations.filter { destination in
            do {
                switch destination {
                case .syslog: try SystemLog.write(checkpoint.line)
                case .s3(let bucket, let prefix):
                    let digits = String(checkpoint.event)
                    let number = String(repeating: "0", count: max(0, 19 - digits.count)) + digits
                    // By the hash too: what another log says of an event of that number is another object.
                    try gateway.cloud.storage().put(
                        Array("\(checkpoint.line)\n".utf8), as: "\(prefix)\(number)-\(checkpoint.hash)",
                        in: bucket)
                }
                return false
            } catch {
                gateway.log.warning(
                    "a checkpoint of the events is not sent",
                    ["destination": destination.description, "error": "\(error)"])
                return true
            }
        }
    }
}
