import Directory
import Power
import Support

/// `--idle-stop TIME|never|none`, of hosts and pools.
enum IdleWords {
    /// What the option says; nil: it is not there; nil within: no policy.
    static func policy(_ words: inout ArgumentReader) throws(UsageError) -> Duration?? {
        guard let text = try words.option("--idle-stop") else { return nil }
        switch text {
        case "never": return .some(.zero)
        case "none": return .some(nil)
        default:
            guard case .after(let time) = try EndTime(text) else {
                throw UsageError("--idle-stop is a length of time such as 45m, 'never' or 'none'")
            }
            return .some(time)
        }
    }

    /// `45m`, `never`, `none`.
    static func text(_ policy: Duration?) -> String {
        guard let policy else { return "none" }
        return policy == .zero ? "never" : IdleState.short(policy)
    }
}

extension IdlePolicy {
    /// `45m (pool communal)`.
    var text: String { source.map { "\(IdleWords.text(interval)) (pool \($0))" } ?? IdleWords.text(interval) }

    var json: JSON {
        .object(["seconds": .number(interval.components.seconds), "pool": .text(source)])
    }
}

extension HostKeep {
    var json: JSON { .object(["until": .time(until), "who": .string(who)]) }
}

extension IdleReport {
    var json: JSON {
        var fields: [String: JSON] = ["text": .string(state.text)]
        fields["stops_in"] = stopsIn.map { .number($0.components.seconds) } ?? .null
        if case .idle(let time) = state { fields["idle"] = .number(time.components.seconds) }
        return .object(fields)
    }
}
