import Shipping
import Support

/// Delivers what waits in the spool: `gatehouse-watch ship [--settings FILE]`.
enum ShipVerb: Verb {
    static let name = "ship"
    static let summary = "Deliver what was seen to the gateway, until it is ended"
    static let usage = "ship [--settings FILE]"

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        let path = try words.option("--settings") ?? WatchSettings.path
        try words.finish()
        let settings: WatchSettings
        do {
            settings = try WatchSettings.load(path)
        } catch {
            throw Refusal(.configuration, "\(error)", hint: "'gatehouse watch install' writes it")
        }
        Shipping(settings, version: Product.version, log: Log(threshold: .info)).run()
    }
}
