import Audit
import Authorization
import Control
import Directory
import Routing
import Support

/// Hosts of a pool that were tried in vain for one wish, in order.
struct Misses {
    /// One of them.
    struct Miss {
        let host: String
        /// Half a sentence, for who is on another host instead.
        let remark: String
        /// For who gets nowhere.
        let sentence: String
    }

    /// Hosts about which a sentence is said.
    private static let wordLimit = 10

    private(set) var all: [Miss] = []

    /// Their names.
    var hosts: Set<String> { Set(all.map(\.host)) }

    mutating func add(_ miss: Miss) {
        forget(miss.host)
        all.append(miss)
    }

    mutating func forget(_ host: String) { all.removeAll { $0.host == host } }

    /// Why it is `host`: what stood in the way of the others, and of the one where the person would rather be.
    func remark(insteadOn host: String, passedOver: PassedOver?) -> String {
        var words = all.map(\.remark)
        if let passedOver, !hosts.contains(passedOver.host) { words.insert(passedOver.words, at: 0) }
        return words.isEmpty ? "" : "\(words.joined(separator: "; ")): you are on \(host)"
    }

    /// Why there is none, of each host of the pool that the person may reach.
    func sentence(about pool: PoolRoute) -> String {
        let others = pool.members.filter { !hosts.contains($0.host.name) }
        let words = all.map(\.sentence) + others.compactMap { $0.obstacle?.sentence }
        let more = words.count > Self.wordLimit ? " So it is with others." : ""
        let list = words.prefix(Self.wordLimit).joined(separator: " ")
        return "No host of '\(pool.name)' can be had now. \(list)\(more)"
    }
}

extension SessionMonitor {
    /// Hosts that are tried for one wish although their breakers are open.
    private static let hostLimit = 3

    enum Dialled {
        case connected(Access, Descriptor)
        case refused(SessionReply)
    }

    /// Whether the session has a connection to its host: then it stays there.
    var isOnHost: Bool { connections > 0 }

    /// Dials the host of the session; where that is one of a pool and the session is not on it, the next ones if it cannot be had.
    func dial(for login: Login) throws -> Dialled {
        guard var name = login.host else { throw Violation(description: "there is no host") }
        while true {
            // As the directory says now: the grant may have ended since the login.
            let access: Access
            let entry = try gateway.directory.entry(
                of: login.user.name, to: name, showing: login.shown, from: origin)
            switch entry {
            case .open(let found): access = found
            case .lacking: return .refused(try refuse("connect", Self.changedSentence(about: name)))
            case .elsewhere:
                return .refused(try refuse("connect", Refusal.elsewhere(name, origin).sentence))
            case .closed:
                return .refused(try refuse("connect", "You may not reach \(name) any more."))
            }
            // A session that is there already may go on while others are kept away.
            if let obstacle = isOnHost ? access.outage : access.obstacle {
                let words = access.obstruction?.words ?? "\(name) is not open"
                let miss = Misses.Miss(host: name, remark: words, sentence: obstacle.sentence)
                guard let other = try next(after: access, miss, for: login) else {
                    return .refused(try refuse("connect", reasonForNone(miss, for: login)))
                }
                name = other
                continue
            }
            switch try wake(access, for: login) {
            case .progress(let reply): return .refused(reply)
            case .failure(let words):
                let miss = Misses.Miss(host: name, remark: words.remark, sentence: words.sentence)
                guard let other = try next(after: access, miss, for: login) else {
                    return .refused(.refused(reason: try reasonForNone(miss, for: login)))
                }
                name = other
                continue
            case nil: break
            }
            guard !access.host.keys.isEmpty else {
                let sentence =
                    "No host key of \(name) is known yet, so nothing is sent to it. Ask your administrator."
                return .refused(try refuse("connect", sentence))
            }
            do {
                return .connected(access, try gateway.dial(access.host, reason: reason(for: login)))
            } catch {
                try note(.hostFailed, host: name, ["reason": "\(error)"])
                log.warning("host unreachable", ["host.name": name, "error": "\(error)"])
                let miss = Misses.Miss(
                    host: name, remark: "\(name) does not answer",
                    sentence: "\(name) cannot be reached: \(error).")
                guard let other = try nextAfterSilence(of: access, miss, for: login) else {
                    return .refused(.refused(reason: try reasonForNone(miss, for: login)))
                }
                name = other
            }
        }
    }

    /// What AWS shows of a tunnel, as in the certificate of the session.
    func reason(for login: Login?) -> String { "gatehouse:\(session):\(login?.user.name ?? "")" }

    /// After the host has broken a login off: another one of its pool, or why there is none.
    func leave(_ host: String, _ detail: String) throws -> SessionReply {
        guard let login, !isOnHost,
            case .open(let access) = try gateway.directory.entry(
                of: login.user.name, to: host, showing: login.shown, from: origin)
        else { return .noted }
        let miss = Misses.Miss(
            host: host, remark: "\(host) does not complete the SSH handshake",
            sentence: "\(host) did not complete the SSH handshake: \(detail).")
        if try next(after: access, miss, for: login) != nil { return .elsewhere }
        return .refused(reason: try reasonForNone(miss, for: login))
    }

    /// The pool to which the session leads, as far as the user may do the same on its hosts; nil: it leads to a host.
    private func pool(of login: Login, equalTo access: Access?) throws -> PoolRoute? {
        let route = try Router(directory: gateway.directory).route(
            user: login.user.name, target: login.target, showing: login.shown, from: origin)
        guard case .pool(var pool) = route else { return nil }
        // What its grants require is decided anew: whoever has not shown that does not get there.
        pool.members.removeAll { !$0.required.isSubset(of: login.shown) }
        if let access { pool.keepEqual(to: access) }
        return pool
    }

    /// Takes the session to the next host of its pool, with the rights that it was granted at its login.
    ///
    /// - Returns: the other host; nil: there is none, and the session stays where it is.
    private func next(after access: Access, _ miss: Misses.Miss, for login: Login) throws -> String? {
        guard !isOnHost, let pool = try pool(of: login, equalTo: access) else { return nil }
        misses.add(miss)
        guard let (other, passedOver) = seat(login, on: pool) else { return nil }
        return try settle(on: other, passedOver)
    }

    /// The same after a host did not answer, which may be because it sleeps: nobody knew, if it was stopped past the gateway.
    ///
    /// The cloud is asked at once only where there is no other host that is up.
    private func nextAfterSilence(of access: Access, _ miss: Misses.Miss, for login: Login) throws -> String?
    {
        guard !isOnHost, let pool = try pool(of: login, equalTo: access) else {
            return renew(access)?.needsWaking == true ? access.host.name : nil
        }
        misses.add(miss)
        if let (other, passedOver) = seat(login, on: pool), !other.needsWaking {
            return try settle(on: other, passedOver)
        }
        if renew(access)?.needsWaking == true { misses.forget(access.host.name) }
        // As the directory says now.
        guard let renewed = try self.pool(of: login, equalTo: access),
            let (other, passedOver) = seat(login, on: renewed)
        else { return nil }
        return try settle(on: other, passedOver)
    }

    private func seat(_ login: Login, on pool: PoolRoute) -> (Access, PassedOver?)? {
        var pool = pool
        // Before the choice, which is at once what everybody else sees.
        pool.members.removeAll { !mayTry($0, after: misses) }
        let (destination, passedOver) = gateway.board.seat(
            session, of: login.user.name, on: .pool(pool), avoiding: misses.hosts)
        guard case .host(let access) = destination else { return nil }
        return (access, passedOver)
    }

    /// Whether another host is worth a try. As long as its breaker is closed it may well answer.
    func mayTry(_ access: Access, after misses: Misses) -> Bool {
        misses.all.count < Self.hostLimit || !gateway.board.breaker(of: access.host.name).isOpen
    }

    private func settle(on access: Access, _ passedOver: PassedOver?) throws -> String {
        let host = access.host.name
        if login?.host != host {
            // What the journal has so far was elsewhere.
            try ingestJournal()
            login?.host = host
            login?.required = access.required
            try gateway.events.update(session.description, SessionUpdate(host: host))
        }
        login?.remark = misses.remark(insteadOn: host, passedOver: passedOver)
        return host
    }

    /// Why the session gets nowhere, of each host that was tried. The next wish begins afresh.
    private func reasonForNone(_ last: Misses.Miss, for login: Login) throws -> String {
        defer { misses = Misses() }
        guard !isOnHost, let pool = try pool(of: login, equalTo: nil), pool.members.count > 1 else {
            return last.sentence
        }
        misses.add(last)
        return misses.sentence(about: pool)
    }
}
