/// The parsers of bytes that others made: peers, hosts, AWS, people.
///
/// Each must end for any input, without a trap and in bounded memory; what it accepts it must write and read again as the same.
package enum FuzzedParser: String, CaseIterable, Sendable {
    /// The control channel: what a session process, which may have been taken over, sends to the daemon, and the daemon to it.
    case request, reply, command, delivery, journal, pam
    /// What stands before a client's first byte: what a proxy says, and the front end to the daemon.
    case proxyHeader, frontMessage
    /// What people and clients bring.
    case loginName, configuration, environmentPattern, publicKey, publicKeyText, signature, timestamp
    case certificate, network
    /// What a session process tells a recorder, what is read of a recording's lines, and what a host writes to a viewer's terminal.
    case recorderMessage, castEvent, terminal
    /// What a host's watcher delivers.
    case frame, recovery
    /// What Session Manager's stream brings.
    case webSocket, webSocketAnswer, dataChannel
    /// What passes between clients and hosts.
    case sftp, scp
    /// What AWS and hosts answer.
    case xml, accountReport

    /// Reads `bytes`; nothing but the absence of a trap is looked at.
    package func read(_ bytes: [UInt8]) {
        switch self {
        case .request: Self.request(bytes)
        case .reply: Self.reply(bytes)
        case .command: Self.command(bytes)
        case .delivery: Self.delivery(bytes)
        case .journal: Self.journal(bytes)
        case .pam: Self.pam(bytes)
        case .proxyHeader: Self.proxyHeader(bytes)
        case .frontMessage: Self.frontMessage(bytes)
        case .loginName: Self.loginName(bytes)
        case .configuration: Self.configuration(bytes)
        case .environmentPattern: Self.environmentPattern(bytes)
        case .publicKey: Self.publicKey(bytes)
        case .publicKeyText: Self.publicKeyText(bytes)
        case .signature: Self.signature(bytes)
        case .timestamp: Self.timestamp(bytes)
        case .certificate: Self.certificate(bytes)
        case .network: Self.network(bytes)
        case .recorderMessage: Self.recorderMessage(bytes)
        case .castEvent: Self.castEvent(bytes)
        case .terminal: Self.terminal(bytes)
        case .frame: Self.frame(bytes)
        case .recovery: Self.recovery(bytes)
        case .webSocket: Self.webSocket(bytes)
        case .webSocketAnswer: Self.webSocketAnswer(bytes)
        case .dataChannel: Self.dataChannel(bytes)
        case .sftp: Self.sftp(bytes)
        case .scp: Self.scp(bytes)
        case .xml: Self.xml(bytes)
        case .accountReport: Self.accountReport(bytes)
        }
    }
}
