import Accounts
import Audit
import Commands
import Control
import Directory
import Support

/// What was done in one session so that its user has an account where they go.
struct Preparations {
    /// The host on which the account is to be made before the next connection.
    var due: (host: String, isDoubted: Bool)?
    /// Hosts where it was tried, with the signature of the account that was wanted then: once is enough for each, in a session.
    var tried: [String: String] = [:]
    /// Why it did not work, by host.
    var failures: [String: String] = [:]
}

extension SessionMonitor {
    /// Whether the account has to be made first; if so, the session is told, and the next `connect` waits for it.
    ///
    /// Looks into the directory and into what the host last reported: a host that is as it should be is not asked.
    func announcePreparation(of user: String, on host: String) throws -> Bool {
        guard try !gateway.accounts.isReady(user: user, on: host), try !wasTried(user, on: host) else {
            return false
        }
        preparations.due = (host, false)
        return true
    }

    /// Whether the account that the user is to have now was tried in this session.
    private func wasTried(_ user: String, on host: String) throws -> Bool {
        guard let tried = preparations.tried[host] else { return false }
        return try gateway.accounts.signature(ofAccount: user, on: host) == tried
    }

    /// Why a user is kept from a host on which they may not become root and might still: it could not be told; nil: they might not.
    func remainderOfSudo(of user: String, on host: String) throws -> String? {
        guard try gateway.accounts.mayStillBecomeRoot(user: user, on: host) else { return nil }
        return "You may not become root on \(host) any more, and the host could not be told so. "
            + (preparations.failures[host].map { "For \($0)." } ?? "Log in again.")
    }

    /// After the host has refused the login: makes the account if that was not tried yet, or says why it could not be made.
    func adviseAfterRefusal() throws -> SessionReply {
        guard let host = login?.host else { return .noted }
        if preparations.tried[host] != nil {
            return preparations.failures[host].map {
                .refused(reason: "\(host) refused the login, and \($0)")
            }
                ?? .noted
        }
        preparations.due = (host, true)
        return .preparing(host: host)
    }

    /// Makes the account that was announced.
    ///
    /// - Returns: a refusal when the host cannot give this user one. When the host could not be worked on, the login is tried
    ///   all the same: the account may be there.
    func prepareIfDue(for login: Login) throws -> SessionReply? {
        guard let due = preparations.due else { return nil }
        preparations.due = nil
        return try prepare(for: login.user.name, due).map { .refused(reason: $0) }
    }

    /// Makes the account before a jump. There it is the host itself that lets the user in or not, unseen by us, so this is
    /// the last moment to say why not.
    ///
    /// - Returns: a refusal when there can be no account to log in to.
    func prepareForJump(of user: String, to host: String) throws -> SessionReply? {
        if try gateway.accounts.isReady(user: user, on: host) { return nil }
        if try !wasTried(user, on: host),
            let refusal = try prepare(for: user, (host, false))
        {
            return .disconnect(reason: refusal)
        }
        // There it is the host alone that holds the user to what is granted: it has to know of that.
        let hasTooMuch = try gateway.accounts.hasTooMuch(user: user, on: host)
        guard let sentence = preparations.failures[host] ?? (hasTooMuch ? Self.changed(host) : nil),
            try hasTooMuch || !gateway.accounts.mayExist(user: user, on: host)
        else { return nil }
        try note(.refused, host: host, ["what": "jump", "reason": sentence])
        return .disconnect(reason: sentence)
    }

    private static func changed(_ host: String) -> String {
        "what you may do on \(host) has just changed. Try again"
    }

    /// - Returns: why the host cannot give this user an account.
    private func prepare(for user: String, _ due: (host: String, isDoubted: Bool)) throws -> String? {
        // Without a grant there is nothing to make, and no login.
        preparations.tried[due.host] =
            try gateway.accounts.signature(ofAccount: user, on: due.host) ?? ""
        preparations.failures[due.host] = nil
        do {
            let outcome = try gateway.accounts.prepare(user: user, on: due.host, isDoubted: due.isDoubted)
            switch outcome {
            case .ready(let report):
                if let report { try noteApplied(report, on: due.host) }
                return nil
            case .conflict(let reason, let report):
                try noteApplied(report, on: due.host)
                let sentence =
                    "your account on \(due.host) cannot be made: \(reason). Ask your administrator to resolve it"
                try note(.refused, host: due.host, ["what": "account", "reason": reason])
                preparations.failures[due.host] = sentence
                return sentence
            }
        } catch {
            let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
            try note(.accountFailed, host: due.host, ["by": "login", "reason": reason])
            log.warning("account not prepared", ["host.name": due.host, "user.name": user, "error": reason])
            preparations.failures[due.host] =
                "your account on \(due.host) could not be prepared: \(reason). Ask your administrator"
            return nil
        }
    }

    private func noteApplied(_ report: AccountReport, on host: String) throws {
        var event = Event(report, on: host, by: "login")
        event.session = session.description
        event.user = login?.user.name
        event.address = peer.host
        try gateway.events.append(event)
        log.info("account prepared", ["host.name": host, "user.name": login?.user.name ?? ""])
    }
}
