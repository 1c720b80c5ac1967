import Audit
import Authentication
import Authorization
import Configuration
import Control
import Directory
import Routing
import Support

/// What was tried in vain for one jump to a pool.
struct JumpMisses {
    var misses = Misses()
    /// Whether the reasons are worth the end of a connection that is for this jump alone: a refused channel carries none.
    private var areTold = false

    mutating func add(_ host: String, _ reply: SessionReply) {
        switch reply {
        case .disconnect(let reason):
            areTold = true
            misses.add(Misses.Miss(host: host, remark: reason, sentence: reason))
        case .refused(let reason):
            misses.add(Misses.Miss(host: host, remark: reason, sentence: "\(reason)."))
        default: break
        }
    }

    /// nil: nothing was tried.
    func reply(about pool: PoolRoute) -> SessionReply? {
        guard let first = misses.all.first else { return nil }
        let reason = pool.members.count > 1 ? misses.sentence(about: pool) : first.sentence
        return areTold ? .disconnect(reason: reason) : .refused(reason: reason)
    }
}

extension SessionMonitor {
    /// Decides on jumps, also on those to the gateway itself.
    var jumpPolicy: JumpPolicy {
        JumpPolicy(
            directory: gateway.directory, doors: settings.configuration.listenAddresses.map(\.port))
    }

    /// A jump: joined to a host of the directory by the directory's address, or refused, or no jump at all.
    func jump(to name: String, port: UInt32) throws -> (SessionReply, [Descriptor]) {
        guard let login else { throw Violation(description: "nobody has logged in") }
        if login.isEnrolling {
            return (
                try refuse(
                    "jump to \(name):\(port)",
                    "One-time codes are asked for here, and you have none: ssh -t \(login.user.name)+gate@GATEWAY totp enrol"
                ),
                []
            )
        }
        // What either of the certificate and the grants forbids is forbidden.
        if let obstacle = login.certificate?.obstacleToJumps {
            return (try refuse("jump to \(name):\(port)", obstacle), [])
        }
        let decision = try jumpPolicy.decide(
            user: login.user.name, host: name, port: port, showing: login.shown, from: origin)
        switch decision {
        case .notAJump:
            return (.notAJump, [])
        case .refused(let reason):
            return (try refuse("jump to \(name):\(port)", reason), [])
        case .join(let access):
            return try join(access, for: login, askedFor: "\(name):\(port)")
        case .joinSome(let pool):
            return try join(pool, for: login, askedFor: "\(name):\(port)")
        }
    }

    /// Joins with one host, which is looked up at the cloud if it does not answer.
    private func join(
        _ access: Access, for login: Login, askedFor asked: String
    ) throws -> (SessionReply, [Descriptor]) {
        var access = access
        while true {
            switch try wake(access, for: login) {
            case .progress(let reply): return (reply, [])
            // Only the end of the connection can carry a reason.
            case .failure(let words): return (.disconnect(reason: words.sentence), [])
            case nil: break
            }
            if let refusal = try prepareForJump(of: login.user.name, to: access.host.name) {
                return (refusal, [])
            }
            let (reply, sockets) = try join(access, askedFor: asked)
            guard sockets.isEmpty, let renewed = renew(access), renewed.needsWaking else {
                return (reply, sockets)
            }
            access = renewed
        }
    }

    /// Joins with a host of a pool; the next one where one does not answer, cannot be woken or cannot give the user an account.
    private func join(
        _ pool: PoolRoute, for login: Login, askedFor asked: String
    ) throws -> (SessionReply, [Descriptor]) {
        var pool = pool
        var silent: [Access] = []
        var vain = jumpMisses.removeValue(forKey: pool.name) ?? JumpMisses()
        while true {
            guard let access = seatJump(of: login, on: pool, avoiding: vain.misses) else {
                // None is up, so some may be woken of which nobody knew that they sleep.
                let sleeping = silent.compactMap { renew($0) }.filter(\.needsWaking)
                silent = []
                guard !sleeping.isEmpty else { break }
                for access in sleeping {
                    vain.misses.forget(access.host.name)
                    pool.members.removeAll { $0.host.name == access.host.name }
                    pool.members.append(access)
                }
                continue
            }
            let name = access.host.name
            switch try wake(access, for: login) {
            case .progress(let reply):
                jumpMisses[pool.name] = vain
                return (reply, [])
            case .failure(let words):
                // Clients show 400 bytes.
                let reason = pool.members.count > 1 ? "\(words.remark)." : words.sentence
                vain.add(name, .disconnect(reason: reason))
                continue
            case nil: break
            }
            if let reply = try prepareForJump(of: login.user.name, to: name) {
                vain.add(name, reply)
                continue
            }
            let (reply, sockets) = try join(access, askedFor: asked, awaitsBanner: true)
            if !sockets.isEmpty { return (reply, sockets) }
            vain.add(name, reply)
            silent.append(access)
        }
        if let reply = vain.reply(about: pool) { return (reply, []) }
        return (try refuse("jump to \(asked)", Refusal.noOpenHost(pool.name).sentence), [])
    }

    private func seatJump(of login: Login, on pool: PoolRoute, avoiding misses: Misses) -> Access? {
        var pool = pool
        // The one that is being woken for this session: it may no longer be the best, but it is the one that was started.
        let awaited = pool.members.filter { waking.turns[$0.host.name] != nil && $0.obstruction == nil }
        if !awaited.isEmpty { pool.members = awaited }
        let (destination, _) = gateway.board.seat(
            session, of: login.user.name, on: .pool(pool), isJump: true, keepsSeat: isOnHost,
            avoiding: misses.hosts)
        guard case .host(let access) = destination, mayTry(access, after: misses) else { return nil }
        return access
    }

    private func join(
        _ access: Access, askedFor asked: String, awaitsBanner: Bool = false
    ) throws -> (SessionReply, [Descriptor]) {
        let host = access.host
        guard var rights = access.rights.givenToJump else {
            return (try refuse("jump to \(asked)", "Jumps to \(host.name) are not granted."), [])
        }
        rights.shown = login?.shown ?? []
        let place = "\(host.name):\(host.port)"
        do {
            let socket = try gateway.dial(host, reason: reason(for: login), awaitsBanner: awaitsBanner)
            let opened = asked == place ? place : "\(place) as \(asked)"
            var detail = ["kind": "jump", "detail": opened]
            // By this the host's sshd, which sees no certificate of ours here, can tell which session it is.
            detail["local"] = TCP.localAddress(of: socket)?.description
            detail["given"] = rights.text
            try note(.channelOpened, host: host.name, detail)
            gateway.sessions.noteJump(
                to: host.name, of: session, rights: rights, isSeat: !isOnHost)
            return (.joined(place: opened), [socket])
        } catch let error as TCPError {
            try note(.hostFailed, host: host.name, ["reason": "\(error)", "detail": "jump"])
            return (.refused(reason: "\(host.name) cannot be reached: \(error)"), [])
        }
    }
}
