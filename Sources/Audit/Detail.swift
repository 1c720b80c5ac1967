internal import FoundationEssentials

/// The text form of an event's detail: a flat JSON object with sorted keys.
enum Detail {
    static func encode(_ detail: [String: String]) throws -> String {
        if detail.isEmpty { return "{}" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(detail), as: UTF8.self)
    }

    /// What is not such an object comes back as it is, under `text`.
    static func decode(_ text: String) -> [String: String] {
        if text == "{}" { return [:] }
        let decoded = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        return decoded ?? ["text": text]
    }
}
