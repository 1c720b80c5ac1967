import Audit
package import Control
import Directory
package import Sharing
package import Support
package import Watchers

/// What commands have done on hosts besides accounts, and what is known of the watchers there.
package struct HostWork: Sendable {
    package var sharing: SharingService
    package var ledger: SharingLedger
    package var watchers: WatcherService
    /// What the daemon has heard of the watcher on a host; nil: nothing.
    package var report: @Sendable (String) -> WatcherReport?
    /// What the book says that a uid owns, in all trees.
    package var filesOf: @Sendable (UInt32) throws -> [TransferItem]

    package init(
        sharing: SharingService, ledger: SharingLedger, watchers: WatcherService,
        report: @escaping @Sendable (String) -> WatcherReport?,
        filesOf: @escaping @Sendable (UInt32) throws -> [TransferItem]
    ) {
        self.sharing = sharing
        self.ledger = ledger
        self.watchers = watchers
        self.report = report
        self.filesOf = filesOf
    }
}

/// What the daemon has heard of the watcher on a host.
package struct WatcherReport: Sendable {
    package var isConnected: Bool
    package var version: String?
    package var lastHeard: Timestamp?
    package var lastTaken: Timestamp?
    package var status: WatcherStatus?
    /// Why the gateway could not fetch anything the last time; nil: it could, or it is not to.
    package var fetchFailure: String?

    package init(
        isConnected: Bool, version: String?, lastHeard: Timestamp?, lastTaken: Timestamp?,
        status: WatcherStatus?, fetchFailure: String? = nil
    ) {
        self.isConnected = isConnected
        self.version = version
        self.lastHeard = lastHeard
        self.lastTaken = lastTaken
        self.status = status
        self.fetchFailure = fetchFailure
    }
}

extension CommandContext {
    /// Notes something that was done to files or with a host.
    func note(_ kind: EventKind, host: String? = nil, _ detail: [String: String]) throws {
        var detail = detail
        detail["by"] = caller.description
        try services.events.append(
            Event(
                kind, at: services.now(), session: caller.session, user: caller.userName, host: host,
                address: caller.address, detail: detail))
    }
}
