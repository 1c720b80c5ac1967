package import Directory

/// What an inventory makes of the directory, entry by entry.
package struct InventoryPlan: Equatable, Sendable {
    package enum Outcome: String, Sendable, CaseIterable {
        /// A new host.
        case added
        /// A host of that name was an instance that is gone; now it is this one.
        case replaced
        case changed, unchanged
        /// No host, for the reason that the notes say.
        case left = "left alone"
    }

    /// One instance.
    package struct Entry: Equatable, Sendable {
        package var instance: String
        package var host: String?
        package var outcome: Outcome
        /// What changes and what does not, for people.
        package var notes: [String]
        package var update: HostUpdate?
        /// How the host's instance was before; nil: there was none.
        package var before: HostInstance?
        /// Whether a selection found it or names it, so that it was not only asked for because it is a host.
        package var isSelected = false

        package init(
            instance: String, host: String? = nil, outcome: Outcome, notes: [String] = [],
            update: HostUpdate? = nil, before: HostInstance? = nil
        ) {
            self.instance = instance
            self.host = host
            self.outcome = outcome
            self.notes = notes
            self.update = update
            self.before = before
        }
    }

    /// Hosts by name, then what is none, by id.
    package var entries: [Entry]

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    package var updates: [HostUpdate] { entries.compactMap(\.update) }

    /// Such as `2 added, 1 unchanged`.
    package var summary: String {
        let counts = Outcome.allCases.compactMap { outcome in
            let count = entries.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(count) \(outcome.rawValue)"
        }
        return counts.isEmpty ? "no instances" : counts.joined(separator: ", ")
    }
}
