internal import Directory

/// What an account on a host gives its user there, whatever the gateway says at the moment.
struct AccountPowers: OptionSet, Equatable, Sendable {
    let rawValue: Int

    /// There is an account that can be logged in to.
    static let account = AccountPowers(rawValue: 1)
    /// It may become root.
    static let sudo = AccountPowers(rawValue: 2)
    /// The user's own keys open it: on a jump, and for whom the network lets past the gateway.
    static let ownKeys = AccountPowers(rawValue: 4)
    /// With them, ports may be forwarded.
    static let forwarding = AccountPowers(rawValue: 8)
    /// With them, an agent may.
    static let agent = AccountPowers(rawValue: 16)

    static let all: AccountPowers = [.account, .sudo, .ownKeys, .forwarding, .agent]
}

extension DesiredState.User {
    /// What it gives where the host is as the directory wants it.
    var powers: AccountPowers {
        var powers: AccountPowers = mayBecomeRoot ? [.account, .sudo] : .account
        guard !keys.isEmpty else { return powers }
        powers.insert(.ownKeys)
        if !restrictions.contains(Self.noForwarding) { powers.insert(.forwarding) }
        if !restrictions.contains(Self.noAgent) { powers.insert(.agent) }
        return powers
    }
}

extension AccountHolder {
    /// What the account that this user is to have gives.
    var powers: AccountPowers { DesiredState.User(of: self).powers }
}
