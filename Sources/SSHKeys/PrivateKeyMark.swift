/// Tells private keys from everything else, whatever came before them.
package enum PrivateKeyMark {
    /// Whether `bytes` hold a private key, or what is clearly a part of one.
    ///
    /// Looks anywhere in the bytes, so that blanks, a byte order mark or other lines before the key do not hide it, and
    /// skips zero bytes, so that UTF-16 does not either.
    package static func isFound(in bytes: some Sequence<UInt8>) -> Bool {
        // Upper case: people retype headers.
        let text = bytes.filter { $0 != 0 }
        let upper = text.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 - 0x20 : $0 }
        if contains(upper, "PUTTY-USER-KEY-FILE") || contains(upper, "PRIVATE-LINES:") { return true }
        if contains(text, "openssh-key-v1") || contains(text, "b3BlbnNzaC1rZXktdjE") { return true }
        return upper.split { $0 == 0x0A || $0 == 0x0D }.contains { line in
            guard let begin = index(of: "BEGIN", in: line) else { return false }
            return index(of: "PRIVATE", in: line[begin...]) != nil
                && index(of: "KEY", in: line[begin...]) != nil
                && index(of: "--", in: line) != nil
        }
    }

    private static func contains(_ bytes: [UInt8], _ mark: StaticString) -> Bool {
        index(of: mark, in: bytes[...]) != nil
    }

    private static func index(of mark: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        let wanted = Array("\(mark)".utf8)
        guard bytes.count >= wanted.count else { return nil }
        return (bytes.startIndex...bytes.endIndex - wanted.count).first { start in
            bytes[start] == wanted[0] && bytes[start..<start + wanted.count].elementsEqual(wanted)
        }
    }
}
