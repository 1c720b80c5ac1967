internal import FoundationEssentials

/// The text form of an event's detail: a flat JSON object with sorted keys.
enum Detail {
    static func encode(_ detail: [String: String]) -> String {
        if detail.isEmpty { return "{}" }
        let members = detail.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// A JSON string. Written here, because JSONEncoder takes twenty times as long, several times for each session.
    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x10: bytes += Array("\\u000".utf8) + Array(String(byte, radix: 16).utf8)
            case 0x10..<0x20: bytes += Array("\\u00".utf8) + Array(String(byte, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
    }

    /// What is not such an object comes back as it is, under `text`.
    static func decode(_ text: String) -> [String: String] {
        if text == "{}" { return [:] }
        let decoded = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        return decoded ?? ["text": text]
    }
}
