package import FileEvents
internal import Support

/// An actor as one row: all that is known of it but the number of its process, which each event has.
enum ActorIdentity {
    private static let version: UInt8 = 1

    static func bytes(of actor: Actor) -> [UInt8] {
        var out = WireWriter()
        out.byte(version)
        for number in [actor.uid, actor.loginUID, actor.auditSession] {
            out.boolean(number != nil)
            if let number { out.uint32(number) }
        }
        out.data(actor.command)
        out.data(actor.executable)
        let (origin, name) = text(of: actor.origin)
        out.byte(origin)
        out.string(name)
        out.string(actor.session ?? "")
        if let connection = actor.connection {
            out.string(connection.peerAddress)
            out.uint32(UInt32(connection.peerPort))
            out.string(connection.localAddress)
            out.uint32(UInt32(connection.localPort))
        }
        return out.bytes
    }

    /// Reads what `bytes` made; the number of the process comes from the event.
    ///
    /// - Throws: `BookError` `.corrupt`.
    static func actor(from bytes: [UInt8], pid: UInt32) throws(BookError) -> Actor {
        do {
            var input = WireReader(bytes)
            guard try input.byte() == version else { throw WireError("version") }
            var actor = Actor(pid: pid)
            actor.uid = try number(&input)
            actor.loginUID = try number(&input)
            actor.auditSession = try number(&input)
            actor.command = try input.data()
            actor.executable = try input.data()
            actor.origin = origin(try input.byte(), try input.string())
            let session = try input.string()
            actor.session = session.isEmpty ? nil : session
            if input.remaining > 0 {
                actor.connection = Actor.Connection(
                    peerAddress: try input.string(), peerPort: UInt16(truncatingIfNeeded: try input.uint32()),
                    localAddress: try input.string(),
                    localPort: UInt16(truncatingIfNeeded: try input.uint32()))
            }
            return actor
        } catch {
            throw BookError(.corrupt, "the book is damaged: an actor: \(error)")
        }
    }

    private static func number(_ input: inout WireReader) throws(WireError) -> UInt32? {
        try input.boolean() ? try input.uint32() : nil
    }

    private static func text(of origin: Actor.Origin) -> (UInt8, String) {
        switch origin {
        case .unknown: (0, "")
        case .login: (1, "")
        case .switchedUser: (2, "")
        case .container(let name): (3, name)
        case .service(let name): (4, name)
        case .kernel: (5, "")
        }
    }

    private static func origin(_ tag: UInt8, _ name: String) -> Actor.Origin {
        switch tag {
        case 1: .login
        case 2: .switchedUser
        case 3: .container(name)
        case 4: .service(name)
        case 5: .kernel
        default: .unknown
        }
    }
}

extension Actor {
    /// The uid of whoever is answerable: of the login, whatever the process made of itself since; else the process' own.
    package var person: UInt32? { loginUID ?? uid }
}
