internal import FoundationEssentials

/// JSON as AWS writes it: names begin with a capital, ours do not.
package enum AWSJSON {
    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    /// Writes a value, with sorted names.
    ///
    /// - Throws: `AWSError` with code `invalidRequest`.
    package static func encode(_ value: some Encodable) throws(AWSError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            return Key(stringValue: name.prefix(1).uppercased() + name.dropFirst())
        }
        guard let data = try? encoder.encode(value) else {
            throw AWSError(.invalidRequest, "the request cannot be written as JSON")
        }
        return Array(data)
    }

    /// Reads a value.
    ///
    /// - Throws: `AWSError` with code `malformedResponse`, without the answer's words, which may be secret.
    package static func decode<Value: Decodable>(_ type: Value.Type, from body: [UInt8]) throws(AWSError)
        -> Value
    {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            return Key(stringValue: name.prefix(1).lowercased() + name.dropFirst())
        }
        guard let value = try? decoder.decode(type, from: Data(body)) else {
            throw AWSError(.malformedResponse, "the answer is not the JSON it should be")
        }
        return value
    }
}
