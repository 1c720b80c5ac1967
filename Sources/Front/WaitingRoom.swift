package import Configuration
package import Support

/// Clients that the daemon has not taken yet, in the order in which they came: so many and no more.
package final class WaitingRoom: Sendable {
    /// One of them.
    package struct Client: Sendable {
        package let socket: Descriptor
        package let address: TCPAddress
        /// How long it waits.
        package let deadline: MonotonicTime

        package init(_ socket: Descriptor, from address: TCPAddress, until deadline: MonotonicTime) {
            (self.socket, self.address, self.deadline) = (socket, address, deadline)
        }
    }

    private struct State: Sendable {
        var limits: ConnectionLimits
        var clients: [Client] = []
    }

    private let state: Awaited<State>

    package init(_ configuration: Configuration) {
        state = Awaited(State(limits: ConnectionLimits(waitingAccordingTo: configuration)))
    }

    /// Puts other limits in force.
    package func use(_ configuration: Configuration) {
        let limits = ConnectionLimits(waitingAccordingTo: configuration)
        state.change { state in
            state.limits.maximumStartups = limits.maximumStartups
            state.limits.maximumStartupsPerAddress = limits.maximumStartupsPerAddress
        }
    }

    /// Has a client wait.
    ///
    /// - Throws: `ConnectionLimits.Refusal` when there is no room.
    package func take(_ client: Client) throws(ConnectionLimits.Refusal) {
        let refusal = state.change { state -> ConnectionLimits.Refusal? in
            do throws(ConnectionLimits.Refusal) {
                try state.limits.open(from: client.address.host)
            } catch {
                return error
            }
            state.clients.append(client)
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Waits for a client and gives the one that came first; it stays until `removeFirst`.
    package func first() -> Client {
        state.wait { $0.clients.first }
    }

    /// The first one waits no more.
    package func removeFirst() {
        state.change { state in
            let client = state.clients.removeFirst()
            state.limits.close(from: client.address.host, authenticated: false)
        }
    }

    /// Waits until nobody is here; false: not before `deadline`.
    package func empties(until deadline: MonotonicTime) -> Bool {
        state.wait(until: deadline) { $0.clients.isEmpty ? true : nil } ?? false
    }
}

extension ConnectionLimits {
    /// Who waits has not logged in.
    fileprivate init(waitingAccordingTo configuration: Configuration) {
        self.init(
            maximumConnections: .max, maximumStartups: configuration.maximumStartups,
            maximumStartupsPerAddress: configuration.maximumStartupsPerAddress)
    }
}
