/// A code on paper for the day when the authenticator is lost: 80 bits, good once.
enum RecoveryCode {
    /// So many are made at an enrolment.
    static let setCount = 10
    /// Digits of base 32.
    static let digitCount = 16
    private static let groupLength = 4

    /// A new one, as people read it: `abcd-efgh-2345-6777`.
    static func make() throws(CodeError) -> String {
        let digits = Array(Base32.encode(try Chance.bytes(digitCount * 5 / 8)).lowercased())
        return stride(from: 0, to: digits.count, by: groupLength)
            .map { String(digits[$0..<$0 + groupLength]) }.joined(separator: "-")
    }

    /// The digits of what somebody has typed, in one spelling; nil: that is no recovery code.
    static func digits(of answer: [UInt8]) -> [UInt8]? {
        let digits = answer.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: " ") }.map { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 32 : byte
        }
        return digits.count == digitCount && digits.allSatisfy(Base32.isDigit) ? digits : nil
    }
}
