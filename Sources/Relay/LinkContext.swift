import Authorization
import Control
import Support

/// What every link of a session knows.
final class LinkContext {
    let grant: SessionGrant
    private let rule: SessionRule
    let journal: Journal
    let daemon: DaemonLink
    let clientIsOpenSSH: Bool

    /// Whether the client asked for agent forwarding on some channel: only then may a host open an agent channel.
    private(set) var agentIsWanted = false

    init(grant: SessionGrant, journal: Journal, daemon: DaemonLink, clientIsOpenSSH: Bool) {
        self.grant = grant
        rule = grant.rule
        self.journal = journal
        self.daemon = daemon
        self.clientIsOpenSSH = clientIsOpenSSH
    }

    /// What the next person is told whose program starts; empty: nothing.
    var remark = ""

    /// What everybody is told whose program starts at a terminal; nil: nothing.
    var warning: String?

    var mayForwardAgent: Bool { rule.decide(.agentRequest) == .permitted }

    var maySignal: Bool { rule.decide(.signal) == .permitted }

    func noteAgentRequest() { agentIsWanted = true }

    /// Nothing is left on the host for which it was.
    func forgetAgentRequest() { agentIsWanted = false }
}
