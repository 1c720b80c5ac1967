import Commands
import Configuration
import Glibc
import Support

/// Makes an inventory from time to time, where there is anything to ask for.
struct InventoryWatch: Sendable {
    /// From the start of the daemon to the first one: sessions come first.
    private static let pause = Duration.seconds(5)

    let gateway: Gateway

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("inventory") { watch() }
    }

    private func watch() {
        let start = MonotonicTime.now
        var last: MonotonicTime?
        while true {
            sleep(1)
            let interval = gateway.settings.configuration.inventoryRefreshInterval
            let next = last.map { $0 + interval } ?? start + min(interval, Self.pause)
            guard interval > .zero, .now >= next else { continue }
            do {
                if try gateway.inventory.isNeeded() {
                    _ = try gateway.inventory.refresh(isRehearsal: false, by: "refresh")
                }
            } catch {
                // When the cloud begins to fail is an event already.
                gateway.log.info(
                    "no inventory", ["error": ErrorReport(for: error).reasons.joined(separator: "; ")])
            }
            last = .now
        }
    }
}
