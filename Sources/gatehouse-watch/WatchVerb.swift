import CSupport
import Collector
import FileEvents
import Glibc
import SSHKeys
import Shipping
import Support

/// Watches trees and spools what happens in them, until it is told to end.
enum WatchVerb: Verb {
    static let name = "watch"
    static let summary = "Watch trees and spool what happens in them, and who did it"
    static let usage = "watch [--settings FILE] [--queue COUNT]"

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        let path = try words.option("--settings") ?? WatchSettings.path
        let queue = try words.number("--queue", in: 0...(1 << 24))
        try words.finish()
        guard geteuid() == 0 else {
            throw Refusal(.refused, "only root can watch", hint: "start it as a service, or with sudo")
        }
        let ends = signals()
        let log = Log()
        do {
            let settings = try WatchSettings.load(path)
            guard !settings.trees.isEmpty else {
                throw Refusal(.configuration, "\(path) names no tree", hint: "add a line 'Tree /PATH'")
            }
            let boot = try BootIdentifier.current()
            let key = try PrivateKey(
                fileContents: Descriptor.open(settings.keyPath, O_RDONLY).readAll(limit: PrivateKey.fileLimit)
            )
            let spool = try Spool(
                SpoolSettings(
                    folder: settings.spool, stream: .events, host: settings.host,
                    boot: try BootIdentifier.current(with: key.publicKey), key: key,
                    capacity: settings.spoolLimit))
            var collecting = CollectorSettings(trees: settings.trees, runtime: settings.runtime, boot: boot)
            collecting.isOnlyMountNamespace = settings.isOnlyMountNamespace
            if let queue { collecting.queueLimit = queue }
            try Collector(collecting, spool: spool, log: log).run(until: ends)
            return .success
        } catch let refusal as Refusal {
            throw refusal
        } catch let error as WatchSettingsError {
            throw Refusal(.configuration, "\(error)", hint: "gatehouse watch install HOST writes it")
        } catch let error as SystemError where error.number == EAGAIN {
            throw Refusal(
                .unavailable, "the spool is in use: another watcher runs", hint: "stop that one first")
        } catch {
            throw Refusal(.failure, "\(error)")
        }
    }

    /// Descriptors that become readable when the program is to end.
    private static func signals() -> [Descriptor] {
        signal(SIGPIPE, SIG_IGN)
        return [SIGTERM, SIGINT].compactMap { number in
            let descriptor = gh_signal_descriptor(number)
            return descriptor < 0 ? nil : Descriptor(adopting: descriptor)
        }
    }
}
