/// What somebody can be asked for besides a key, by a grant too.
package struct FurtherFactors: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What PAM asks for.
    package static let pam = FurtherFactors(rawValue: 1)
    /// A one-time code.
    package static let code = FurtherFactors(rawValue: 2)
    package static let all: FurtherFactors = [.pam, .code]

    /// Every combination, what is less to do first.
    package static let ascending: [FurtherFactors] = [[], .code, .pam, .all]

    private static let names: [(factor: FurtherFactors, name: String)] = [(.pam, "pam"), (.code, "totp")]

    /// As grants, exports and events have it: `pam,totp`; empty for none.
    package var text: String { nameList.joined(separator: ",") }

    /// The name of each: `pam`, `totp`.
    package var nameList: [String] { Self.names.filter { contains($0.factor) }.map(\.name) }

    /// For sentences: `a password and a one-time code`; empty for none.
    package var words: String {
        [contains(.pam) ? "a password" : nil, contains(.code) ? "a one-time code" : nil]
            .compactMap(\.self).joined(separator: " and ")
    }

    /// Reads names, in any order and each once; nil for anything else, and for none.
    package init?(text: String) {
        self = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let factor = Self.names.first(where: { $0.name == word })?.factor, insert(factor).inserted
            else { return nil }
        }
    }
}
