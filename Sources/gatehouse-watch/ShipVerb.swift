import Shipping
import Support

/// Delivers what waits in the spool: `gatehouse-watch ship [--fetched] [--settings FILE]`.
enum ShipVerb: Verb {
    static let name = "ship"
    static let summary = "Deliver what was seen to the gateway, until it is ended"
    static let usage = "ship [--fetched] [--settings FILE]"

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        let path = try words.option("--settings") ?? WatchSettings.path
        let isFetched = words.flag("--fetched")
        try words.finish()
        let settings: WatchSettings
        do {
            settings = try WatchSettings.load(path)
        } catch {
            throw Refusal(.configuration, "\(error)", hint: "'gatehouse watch install' writes it")
        }
        let shipping = Shipping(settings, version: Product.version, log: Log(threshold: .info))
        if isFetched {
            do { try shipping.answer() } catch { throw Refusal(.failure, "\(error)") }
            return .success
        }
        guard let gateway = settings.gateway else {
            throw Refusal(
                .configuration, "\(path) says that the gateway fetches what waits here",
                hint: "'gatehouse watch install --gateway ADDRESS' has the host bring it")
        }
        shipping.run(to: gateway)
    }
}
