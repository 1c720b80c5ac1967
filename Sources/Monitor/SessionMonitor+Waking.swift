import Audit
import Authorization
import Control
import Directory
import Power
import Routing
import Support

/// The instances that one session waits for.
struct Waking {
    /// Under way or just over, by host.
    var turns: [String: WakeTurn] = [:]
    /// Hosts about which the cloud was asked because they did not answer.
    var renewed: Set<String> = []
}

/// What comes of waking a host.
enum WakeOutcome {
    /// It is under way: what the session is told meanwhile.
    case progress(SessionReply)
    case failure(WakeFailureWords)
}

extension SessionMonitor {
    /// Has a host started that is asleep, or waits a moment longer for one that is being started.
    ///
    /// - Returns: nil: the host is to be dialled.
    func wake(_ access: Access, for login: Login) throws -> WakeOutcome? {
        let host = access.host
        guard let turn = try waking.turns[host.name] ?? gateway.power.turn(for: access, by: login.user.name)
        else { return nil }
        waking.turns[host.name] = turn
        switch turn.wait() {
        case .underWay(let phase, let seconds):
            return .progress(.waking(host: host.name, state: phase, seconds: seconds))
        case .awake:
            waking.turns[host.name] = nil
            return nil
        case .failed(let words):
            waking.turns[host.name] = nil
            try note(.refused, host: host.name, ["what": "wake", "reason": words.sentence])
            return .failure(words)
        }
    }

    /// After a host did not answer: asks the cloud once whether it is asleep, which the directory may not know yet.
    ///
    /// - Returns: the host as it is then; nil: there is no news.
    func renew(_ access: Access) -> Access? {
        guard access.rights.wake, let instance = access.host.instance,
            waking.renewed.insert(access.host.name).inserted
        else { return nil }
        do {
            try gateway.inventory.renew(instance, by: "login")
            return try gateway.directory.access(
                of: access.user.name, to: access.host.name, showing: login?.shown ?? [], from: origin)
        } catch {
            log.info("no news of a host", ["host.name": access.host.name, "error": "\(error)"])
            return nil
        }
    }
}
