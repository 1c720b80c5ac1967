package import Configuration
package import Support

/// Where clients arrive by TCP: accepts them, and hears from named proxies for whom they come.
package final class Entrance: Sendable {
    private let listeners: [Listener]
    private let configuration: @Sendable () -> Configuration
    private let refusals: Refusals
    private let log: @Sendable () -> Log
    /// Connections of proxies that have not said yet for whom they come.
    private let greetings = Awaited(0)

    /// Where it listens, for the log.
    package let addresses: String

    /// Listens on the sockets given by systemd, or else on all configured addresses.
    ///
    /// - Throws: `StartupError` that names the address.
    package init(
        sockets: [Descriptor], configuration: @escaping @Sendable () -> Configuration, refusals: Refusals,
        log: @escaping @Sendable () -> Log
    ) throws(StartupError) {
        var sockets = sockets
        if sockets.isEmpty {
            for address in configuration().listenAddresses {
                do throws(TCPError) {
                    sockets += try TCP.listen(on: TCPAddress(host: address.host, port: address.port))
                } catch {
                    throw StartupError("ListenAddress \(address): \(error)")
                }
            }
        }
        var listeners: [Listener] = []
        for socket in sockets {
            guard SocketKind(of: socket)?.listensForTCP == true else {
                throw StartupError(
                    "a socket that systemd gave does not listen for TCP; the .socket unit needs ListenStream=PORT"
                )
            }
            do throws(SystemError) {
                listeners.append(try Listener(socket))
            } catch {
                throw StartupError("\(error)")
            }
        }
        self.listeners = listeners
        addresses = sockets.compactMap { TCP.localAddress(of: $0)?.description }.joined(separator: ",")
        self.configuration = configuration
        self.refusals = refusals
        self.log = log
    }

    /// Accepts from now on, on threads of its own, and gives each client with its address to `receive`, which must not block.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    package func open(receive: @escaping @Sendable (Descriptor, TCPAddress) -> Void) throws(SystemError) {
        for listener in listeners {
            try listener.start(log: log) { [self] socket throws(SystemError) in
                let (client, peer) = try TCP.accept(from: socket)
                if configuration().isProxy(peer.host) {
                    hear(client, fromProxy: peer, receive)
                } else {
                    receive(client, peer)
                }
            }
        }
    }

    /// Accepts no more, and waits for what has been accepted to be received: for proxies that speak just now, until `deadline`.
    package func close(until deadline: MonotonicTime) {
        for listener in listeners { listener.close() }
        _ = greetings.wait(until: deadline) { $0 == 0 ? true : nil }
    }

    /// A proxy says for whom it comes, which may take a moment; then it is as if the client had come by itself.
    private func hear(
        _ client: Descriptor, fromProxy proxy: TCPAddress,
        _ receive: @escaping @Sendable (Descriptor, TCPAddress) -> Void
    ) {
        let limit = configuration().maximumStartups
        let hasRoom = greetings.change { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard hasRoom else { return refusals.refuse(client, from: proxy, because: "MaxStartups") }
        do {
            // The thread must not keep the socket: it is the session's from its start on.
            let parcel = Parcel(client)
            try Thread.start("proxy") { [self] in
                defer { greetings.change { $0 -= 1 } }
                guard let client = parcel.take(), let peer = origin(of: client, from: proxy) else { return }
                receive(client, peer)
            }
        } catch {
            greetings.change { $0 -= 1 }
            refusals.complain(about: proxy, because: "threads: \(error)")
        }
    }

    /// The client for whom a proxy comes; nil: it has not said so as it should.
    private func origin(of client: Descriptor, from proxy: TCPAddress) -> TCPAddress? {
        do throws(WireError) {
            switch try ProxyHeader.read(from: client) {
            case .client(let address): return address
            case .proxy: return proxy
            }
        } catch {
            refusals.complain(aboutProxy: proxy, error)
            return nil
        }
    }
}
