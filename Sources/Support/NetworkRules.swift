/// Which addresses clients may come from.
package struct NetworkRules: Equatable, Sendable {
    /// Nobody from elsewhere; empty: from anywhere.
    package var allowed: [Network]
    /// Nobody from here, whatever else is said.
    package var denied: [Network]

    package init(allowed: [Network] = [], denied: [Network] = []) {
        self.allowed = allowed
        self.denied = denied
    }

    /// Whether a client may come from `address`; what is no address may where there are no rules.
    package func admit(_ address: String) -> Bool {
        if allowed.isEmpty, denied.isEmpty { return true }
        guard let address = IPAddress(address) else { return false }
        if denied.contains(where: { $0.contains(address) }) { return false }
        return allowed.isEmpty || allowed.contains { $0.contains(address) }
    }
}
