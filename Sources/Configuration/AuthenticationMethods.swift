import Support

/// Something that a person shows to prove who they are.
package enum Factor: String, CaseIterable, Hashable, Sendable {
    /// The private half of a registered key.
    case publicKey = "publickey"
    /// Whatever PAM asks for: a password, mostly.
    case pam
    /// A one-time code.
    case code = "totp"

    /// The methods by which it can be shown, as RFC 4252 names them.
    package var methods: [String] {
        switch self {
        case .publicKey: ["publickey"]
        case .pam: ["keyboard-interactive", "password"]
        case .code: ["keyboard-interactive"]
        }
    }

    /// The methods by which one of several factors can be shown, each once.
    package static func methods(of factors: [Factor]) -> [String] {
        factors.flatMap(\.methods).reduce(into: []) { list, method in
            if !list.contains(method) { list.append(method) }
        }
    }
}

/// What a login needs: one of several chains, each of them in its order and to its end.
package struct AuthenticationMethods: Equatable, Sendable, CustomStringConvertible {
    private static let chainLimit = 8

    /// Never empty, and no chain is.
    package let chains: [[Factor]]

    private init(chains: [[Factor]]) {
        self.chains = chains.reduce(into: []) { list, chain in
            if !list.contains(chain) { list.append(chain) }
        }
    }

    /// A key and nothing else.
    package static let publicKey = AuthenticationMethods(chains: [[.publicKey]])

    /// Reads chains such as `publickey,totp`.
    init(parsing texts: [String]) throws(ValueError) {
        guard (1...Self.chainLimit).contains(texts.count) else {
            throw ValueError(what: "more than \(Self.chainLimit) chains")
        }
        var chains: [[Factor]] = []
        for text in texts {
            var chain: [Factor] = []
            for name in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let factor = Factor(rawValue: name.lowercased()) else {
                    let names = Factor.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValueError(what: "'\(String(name.prefix(60)).printable)' is none of \(names)")
                }
                guard !chain.contains(factor) else {
                    throw ValueError(what: "\(factor.rawValue) stands twice in one chain")
                }
                chain.append(factor)
            }
            // A code of six digits alone could be guessed, and it would be asked from everybody who knows a name.
            guard chain.first == .publicKey || (chain.first == .pam && !chain.contains(.publicKey)) else {
                throw ValueError(what: "a chain begins with publickey, or without one with pam")
            }
            chains.append(chain)
        }
        self.init(chains: chains)
    }

    /// Whether some chain needs no key.
    package var permitKeyless: Bool { chains.contains { $0.first != .publicKey } }

    /// The same for somebody who needs not show this factor.
    package func waiving(_ factor: Factor) -> AuthenticationMethods {
        AuthenticationMethods(chains: chains.map { $0.filter { $0 != factor } })
    }

    /// Whether a chain asks for this factor.
    package func ask(for factor: Factor) -> Bool {
        chains.contains { $0.contains(factor) }
    }

    /// Whether a chain was shown; more may have come after it.
    ///
    /// - Parameter shown: in the order in which it was shown.
    package func areComplete(after shown: [Factor]) -> Bool {
        chains.contains { shown.starts(with: $0) }
    }

    /// What may be shown next; empty: nothing leads on from there.
    package func next(after shown: [Factor]) -> [Factor] {
        var factors: [Factor] = []
        for chain in chains where chain.count > shown.count && chain.starts(with: shown) {
            if !factors.contains(chain[shown.count]) { factors.append(chain[shown.count]) }
        }
        return factors
    }

    /// As it stands in a configuration.
    package var description: String {
        chains.map { $0.map(\.rawValue).joined(separator: ",") }.joined(separator: " ")
    }
}
