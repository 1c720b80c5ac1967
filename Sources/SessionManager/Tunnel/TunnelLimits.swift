/// How long a tunnel waits for others.
package struct TunnelLimits: Equatable, Sendable {
    /// From the connection to the end of the handshake with the agent.
    package var handshake = Duration.seconds(15)
    /// From the handshake to the port's first byte: the agent does not tell that a port is closed.
    package var firstByte = Duration.seconds(15)
    /// How often a connection is asked whether it is alive.
    package var keepAlive = Duration.seconds(60)
    /// How long the last bytes may take to arrive.
    package var farewell = Duration.seconds(5)
    /// How long what came in last may take to arrive at the agent; nobody waits for an answer any more.
    package var lastInput = Duration.seconds(15)
    /// Attempts to connect, at first and each time the connection breaks.
    package var connectAttempts = 5

    package init() {}
}
