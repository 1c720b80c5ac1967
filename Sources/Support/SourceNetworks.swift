/// Where a client is, as far as it counts.
package enum Origin: Hashable, Sendable {
    /// Wherever: the question is about no client in particular.
    case anywhere
    /// At this address; nil, what is no address, is in no network.
    case client(IPAddress?)

    /// - Parameter address: a numeric one, as the socket or the proxy says.
    package init(client address: String) {
        self = .client(IPAddress(address))
    }

    /// The address for a sentence; nil: none counts.
    package var text: String? {
        switch self {
        case .anywhere: nil
        case .client(let address): address?.description ?? "an unknown address"
        }
    }
}

/// The networks from which something may be used: all, or those of a list such as `10.0.0.0/8,2001:db8::/32`.
package struct SourceNetworks: Hashable, Sendable {
    /// Why a text is no such list.
    package struct Misfit: Error, Equatable, Sendable {
        /// What is wrong, in words.
        package let detail: String
        /// What to write instead.
        package let hint: String
    }

    /// Networks on one list, at the most.
    package static let limit = 64
    /// No network is left out.
    package static let anywhere = SourceNetworks(networks: nil)
    private static let nowhere = SourceNetworks(networks: [])

    /// Ascending, each once; nil: all.
    private let networks: [Network]?

    private init(networks: [Network]?) {
        self.networks = networks
    }

    /// Reads networks and addresses, one at least, with commas between them.
    ///
    /// - Throws: `Misfit` about the first one that is none, or that there are too many.
    package init(_ text: String) throws(Misfit) {
        var list: Set<Network> = []
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        for part in parts.prefix(Self.limit) { list.insert(try Self.network(part)) }
        guard parts.count <= Self.limit else {
            throw Misfit(
                detail: "more than \(Self.limit) networks on one list", hint: "write larger networks")
        }
        networks = list.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    private static func network(_ text: Substring) throws(Misfit) -> Network {
        if let network = Network(text) { return network }
        let shown = String(text.prefix(64)).printable
        if let meant = Network(enclosing: text) {
            throw Misfit(
                detail: "'\(shown)' has bits behind its prefix",
                hint: "write \(meant) for the network, or the address alone")
        }
        throw Misfit(
            detail: "'\(shown)' is not a network",
            hint: "write networks such as 10.0.0.0/8,2001:db8::/32, or addresses")
    }

    /// From the database: empty is everywhere, and what is not understood is nowhere.
    package init(stored text: String) {
        if text.isEmpty {
            self = .anywhere
        } else {
            do throws(Misfit) { try self.init(text) } catch { self = .nowhere }
        }
    }

    /// Whether somebody there may; of nobody in particular it is asked whether they may anywhere.
    package func admit(_ origin: Origin) -> Bool {
        guard let networks else { return true }
        switch origin {
        case .anywhere: return !networks.isEmpty
        case .client(nil): return false
        case .client(let address?): return networks.contains { $0.contains(address) }
        }
    }

    /// As it is written and kept; empty for all.
    package var text: String { list.joined(separator: ",") }

    /// Each network; empty for all.
    package var list: [String] {
        guard let networks else { return [] }
        // What is no list when it is read again.
        return networks.isEmpty ? ["none"] : networks.map(\.description)
    }
}

extension Network {
    /// Those of IPv4 first.
    fileprivate var key: [UInt8] { [UInt8(address.bytes.count)] + address.bytes + [UInt8(prefix)] }
}
