/// What somebody was given on a host when a session or a jump began, to be held against what is granted later.
package struct GivenRights: Hashable, Sendable {
    package let permissions: Permissions
    /// Whether they may become root.
    package let sudo: Bool
    /// What was shown for it, here or lately: grants that require more give nothing to it.
    package var shown: FurtherFactors

    package init(permissions: Permissions, sudo: Bool, shown: FurtherFactors = []) {
        self.permissions = permissions
        self.sudo = sudo
        self.shown = shown
    }

    /// Whether what was given may go on where `now` is granted: that is no less, and demands no more.
    package func isCovered(by now: GivenRights) -> Bool {
        now.permissions.cover(permissions) && (now.sudo || !sudo)
    }

    /// The same as if nothing had to be recorded now that did not have to be before.
    package func isCoveredButForRecording(by now: GivenRights) -> Bool {
        var permissions = now.permissions
        permissions.record = false
        return isCovered(by: GivenRights(permissions: permissions, sudo: now.sudo))
    }

    /// What two jumps of one session to a host were given.
    package func union(_ other: GivenRights) -> GivenRights {
        GivenRights(
            permissions: permissions.union(other.permissions), sudo: sudo || other.sudo,
            shown: shown.intersection(other.shown))
    }
}

// MARK: As text

extension GivenRights {
    /// As events keep it, such as `programs:all terminal ports:80,8888 agent`.
    package var text: String {
        var words = ["programs:\(permissions.programs.rawValue)"]
        if permissions.terminal { words.append("terminal") }
        if !permissions.forwarding.isEmpty { words.append("ports:\(permissions.forwarding.text)") }
        if permissions.remoteForwarding { words.append("remote") }
        if permissions.agent { words.append("agent") }
        if permissions.record { words.append("record") }
        if sudo { words.append("sudo") }
        if !shown.isEmpty { words.append("shown:\(shown.text)") }
        return words.joined(separator: " ")
    }

    /// Reads that again; nil for anything else.
    package init?(text: String) {
        var permissions = Permissions()
        var sudo = false
        var shown: FurtherFactors = []
        var hasPrograms = false
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            switch (parts[0], parts.count > 1 ? String(parts[1]) : nil) {
            case ("programs", let name?):
                guard !hasPrograms, let programs = Programs(rawValue: name) else { return nil }
                permissions.programs = programs
                hasPrograms = true
            case ("ports", "all"): permissions.forwarding = .all
            case ("ports", let ports?):
                guard let ports = PortSet(written: ports) else { return nil }
                permissions.forwarding = ports
            case ("terminal", nil): permissions.terminal = true
            case ("remote", nil): permissions.remoteForwarding = true
            case ("agent", nil): permissions.agent = true
            case ("record", nil): permissions.record = true
            case ("sudo", nil): sudo = true
            case ("shown", let names?):
                guard let factors = FurtherFactors(text: names) else { return nil }
                shown = factors
            default: return nil
            }
        }
        guard hasPrograms else { return nil }
        self.init(permissions: permissions, sudo: sudo, shown: shown)
    }
}
