import Directory
import Inventory
import Support

/// A directory and an answer in words, one line for each host or instance.
///
///     host      c1 1 running 10.0.0.1 pool=gpus from=10.0.0.2      name, instance or -, its state, address; from: what the cloud told
///     instance  1 running 10.0.0.1 Name=c1 Pool=gpus               number, state, address or -, tags with _ for blanks
struct Scene: Sendable {
    static let time = Timestamp(milliseconds: 1_700_000_000_000)

    var hosts: [String] = []
    var pools: Set<String> = []
    /// Numbers of instances whose hosts were removed.
    var removed: [Int] = []
    var selections: [(InstanceSelection, [String])] = []
    var known: [String] = []
    var absent: [Int] = []

    static func id(_ number: some StringProtocol) -> String {
        "i-" + String(repeating: "0", count: 8 - number.count) + number
    }

    var view: InventoryView {
        InventoryView(
            generation: 7, hosts: hosts.map(Self.host), pools: pools,
            removed: Dictionary(uniqueKeysWithValues: removed.map { (Self.id("\($0)"), "old\($0)") }))
    }

    var answer: InventoryAnswer {
        InventoryAnswer(
            found: selections.map { .init($0.0, $0.1.map(Self.instance)) }, known: known.map(Self.instance),
            absent: Set(absent.map { Self.id("\($0)") }))
    }

    /// Each entry as a line: `added c1 1: running, address 10.0.0.1`.
    var lines: [String] {
        InventoryRule.plan(for: answer, in: view, at: Self.time).entries.map { entry in
            let number = entry.instance.drop { $0 == "i" || $0 == "-" || $0 == "0" }
            let words = [entry.outcome.rawValue, entry.host, String(number)].compactMap(\.self)
            return "\(words.joined(separator: " ")): \(entry.notes.joined(separator: "; "))"
        }
    }

    private static func host(_ line: String) -> Host {
        let words = line.split(separator: " ").map(String.init)
        let options = pairs(words)
        if words[1] == "-" {
            return Host(name: words[0], address: words[2], keys: [], added: time)
        }
        return Host(
            name: words[0], address: words[3], keys: [],
            instance: HostInstance(
                id: id(words[1]), region: "eu-central-1",
                state: InstanceState(rawValue: words[2]) ?? .unknown,
                taggedPool: options["pool"], address: options["from"] ?? words[3]), added: time)
    }

    static func instance(_ line: String) -> ObservedInstance {
        let words = line.split(separator: " ").map(String.init)
        return ObservedInstance(
            id: id(words[0]), region: "eu-central-1", state: InstanceState(rawValue: words[1]) ?? .unknown,
            privateAddress: words[2] == "-" ? nil : words[2],
            tags: pairs(words).mapValues { $0.replacing("_", with: " ") })
    }

    private static func pairs(_ words: [String]) -> [String: String] {
        Dictionary(
            words.compactMap { word -> (String, String)? in
                guard let equals = word.firstIndex(of: "=") else { return nil }
                return (String(word[..<equals]), String(word[word.index(after: equals)...]))
            }
        ) { first, _ in first }
    }
}
