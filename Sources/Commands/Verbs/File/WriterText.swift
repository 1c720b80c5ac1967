import Audit
import FileEvents
import Ownership
import Support

/// Who did something, told as what it is: a login, sudo, a container, a service, or nobody knows.
struct WriterText {
    let names: PeopleNames

    /// `alice (20000)`, `alice (20000) as root (0)`, `container 1a2b, uid 20000`.
    func who(_ actor: Actor) -> String {
        let own = actor.uid.map(names.shownUser) ?? "a process that was gone"
        switch actor.origin {
        case .login: return actor.loginUID.map(names.shownUser) ?? own
        case .switchedUser: return actor.loginUID.map { "\(names.shownUser($0)) as \(own)" } ?? own
        case .container(let id): return "container \(id.prefix(12)), \(own)"
        case .service(let unit): return "service \(unit), \(own)"
        case .kernel: return "the kernel, for \(own)"
        case .unknown: return actor.loginUID.map(names.shownUser) ?? "\(own), of an unknown login"
        }
    }

    /// The program's path, or its name where the path is not known.
    func program(_ actor: Actor) -> String {
        PathText.shown(actor.executable.isEmpty ? actor.command : actor.executable)
    }

    /// Owner, group and permissions: `alice:lab -rw-r--r--`.
    func attributes(_ attributes: FileMoment.Attributes) -> String {
        let user = names.userName(attributes.uid) ?? String(attributes.uid)
        let group = names.groupName(attributes.gid) ?? String(attributes.gid)
        return "\(user):\(group) \(Self.permissions(attributes.mode))"
    }

    /// `drwxr-xr-x`, as ls(1) writes it.
    static func permissions(_ mode: UInt32) -> String {
        let types: [UInt32: String] = [
            0o040000: "d", 0o120000: "l", 0o010000: "p", 0o140000: "s", 0o060000: "b", 0o020000: "c",
        ]
        var text = types[mode & 0o170000] ?? "-"
        let classes: [(shift: UInt32, special: UInt32, letter: String)] = [
            (6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t"),
        ]
        for (shift, special, letter) in classes {
            let bits = mode >> shift
            let runs = bits & 1 != 0
            text += (bits & 4 != 0 ? "r" : "-") + (bits & 2 != 0 ? "w" : "-")
            text += mode & special != 0 ? (runs ? letter : letter.uppercased()) : (runs ? "x" : "-")
        }
        return text
    }

    /// One line: what happened.
    func deed(_ moment: FileMoment) -> String {
        switch moment.kind {
        case .renamed, .directoryRenamed:
            let what = moment.kind == .renamed ? "renamed" : "directory renamed"
            guard let new = moment.newPath else { return "moved out of the tree" }
            return "\(what) to \(PathText.shown(moment.tree.joined(new)))"
        case .ownerChanged, .modeChanged:
            let before = moment.before.map(attributes) ?? "unknown"
            let after = moment.after.map(attributes) ?? "unknown"
            return "\(moment.kind == .ownerChanged ? "owner" : "mode") changed from \(before) to \(after)"
        case .created, .written:
            return moment.size.map { "\(moment.kind.rawValue), \(Quantities.size(Int64(clamping: $0)))" }
                ?? moment.kind.rawValue
        case .deleted, .linked: return moment.kind.rawValue
        case .touched: return "attributes changed"
        }
    }

    /// Who did it, as far as is known.
    func doer(_ moment: FileMoment) -> String {
        moment.actor.map(who) ?? "unknown: seen by a scan"
    }

    /// When: exactly, or between two scans.
    func time(_ moment: FileMoment) -> String {
        let until = Timestamp(microseconds: moment.time).description
        guard moment.basis == .scanDiff else { return until }
        guard let earliest = moment.earliest, earliest > 0 else { return "before \(until)" }
        return "\(Timestamp(microseconds: earliest)) to \(until)"
    }
}

/// The session of Gatehouse in which something was done.
struct WriterSession: Equatable, Sendable {
    let id: String
    let user: String?
    /// The client's; nil when the asker may not know it.
    let address: String?
    /// Seconds from the session's beginning: the place in its recording; nil: it has no known beginning.
    let offset: Int64?
}

extension FileQuestion {
    /// The session of an actor, where the log knows it.
    /// The session of a jump, of which the host knows the connection only.
    private func jump(of moment: FileMoment, in context: CommandContext) throws -> String? {
        guard let connection = moment.actor?.connection, let host = moment.host else { return nil }
        let local = TCPAddress(host: connection.peerAddress, port: connection.peerPort)
        return try context.services.events.session(
            ofJumpFrom: local.description, to: host, before: Timestamp(microseconds: moment.time))
    }

    func session(of moment: FileMoment, in context: CommandContext) throws -> WriterSession? {
        guard let id = try moment.actor?.session ?? jump(of: moment, in: context) else { return nil }
        guard let session = try context.services.events.session(id) else {
            return WriterSession(id: id, user: nil, address: nil, offset: nil)
        }
        let isOwn = session.user != nil && session.user == context.caller.userName
        let time = Timestamp(microseconds: moment.time)
        return WriterSession(
            id: id, user: session.user, address: seesEverything || isOwn ? session.clientAddress : nil,
            offset: max(0, (time.milliseconds - session.started.milliseconds) / 1_000))
    }
}
