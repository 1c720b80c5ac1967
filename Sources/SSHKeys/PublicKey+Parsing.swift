import Support

extension PublicKey {
    /// No text of a public key is longer, in bytes.
    package static let textLimit = 16 * 1024

    /// Reads the bytes of a `.pub` file.
    ///
    /// - Throws: `KeyError`, as `parse(_:)` for text.
    package static func parse(bytes: [UInt8]) throws(KeyError) -> PublicKey {
        guard !PrivateKeyMark.isFound(in: bytes) else { throw privateKeyFound }
        guard bytes.count <= textLimit else {
            throw KeyError(.malformed, "this is too long for a public key")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyError(.malformed, "this is not a public key: it is not text in UTF-8")
        }
        return try parse(text)
    }

    /// Reads one line of a `.pub` file: type, base 64, comment.
    ///
    /// Blank lines and lines that begin with `#` around it are skipped.
    /// - Throws: `KeyError`. The code `privateKey` means that somebody showed a private key by mistake: say so, store nothing.
    package static func parse(_ text: String) throws(KeyError) -> PublicKey {
        guard !PrivateKeyMark.isFound(in: text.utf8) else { throw privateKeyFound }
        guard text.utf8.count <= textLimit else {
            throw KeyError(.malformed, "this is too long for a public key")
        }
        let scalars = text.unicodeScalars.drop { $0 == "\u{FEFF}" }
        let lines = scalars.split { $0 == "\n" || $0 == "\r" }
            .map { line in String(String.UnicodeScalarView(line)).trimmed }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard let line = lines.first else { throw KeyError(.empty, "there is no public key") }
        if line.hasPrefix("---") {
            throw KeyError(
                .foreignFormat,
                "this is a public key in another format; 'ssh-keygen -i -f FILE' prints it as OpenSSH wants it"
            )
        }
        guard lines.count == 1 else {
            throw KeyError(.severalKeys, "there are \(lines.count) lines; give one key at a time")
        }
        return try parse(line: line)
    }

    private static func parse(line: String) throws(KeyError) -> PublicKey {
        let words = line.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
        if !KeyType.resemblesName(words[0]) {
            let hasKey = line.split { $0 == " " || $0 == "\t" }.dropFirst().contains {
                KeyType.resemblesName($0)
            }
            throw hasKey
                ? KeyError(
                    .options,
                    "the line begins with options of authorized_keys; give only the key: type, base 64")
                : KeyError(
                    .malformed, "this is not a public key: it should begin with its type, as 'ssh-ed25519'")
        }
        let type = try KeyType(named: String(words[0]))
        guard words.count >= 2, let blob = Base64.decode(words[1]) else {
            throw KeyError(.malformed, "the key is cut off or damaged: its second word is not base 64")
        }
        let comment = words.count == 3 ? String(words[2]).trimmed : ""
        let key = try PublicKey(blob: blob, comment: comment)
        guard key.type == type else {
            throw KeyError(
                .malformed, "the line says \(type.rawValue), but the key inside is \(key.type.rawValue)")
        }
        return key
    }

    private static var privateKeyFound: KeyError {
        KeyError(
            .privateKey,
            "this is a PRIVATE key, which must never leave its owner; give the public key, the file that ends in .pub"
        )
    }
}

extension String {
    /// This text without blanks and tabs at both ends.
    fileprivate var trimmed: String {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
        let rest = unicodeScalars.drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(rest[...last])
    }
}
