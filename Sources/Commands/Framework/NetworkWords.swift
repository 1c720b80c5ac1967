import Support

/// From where something may be used, as people write it.
enum NetworkWords {
    static let usage = "[--allow-from NETWORKS]"
    /// Stands for all networks.
    private static let any = "any"

    /// The networks of `--allow-from`; nil: it is not there.
    static func networks(_ words: inout ArgumentReader) throws(UsageError) -> SourceNetworks? {
        guard let text = try words.option("--allow-from") else { return nil }
        if text == any { return .anywhere }
        do throws(SourceNetworks.Misfit) { return try SourceNetworks(text) } catch {
            throw UsageError("--allow-from: \(error.detail)", hint: error.hint)
        }
    }

    /// For people and the event log: `any`, or the list.
    static func text(_ networks: SourceNetworks) -> String {
        networks == .anywhere ? any : networks.text
    }
}
