import CLibSSH

/// What a client's side may ask on a channel.
///
/// libssh keeps one outstanding request per channel: call the same one again until it is not `.again`, then the next.
extension Channel {
    /// What to open.
    package enum Opening: Equatable, Sendable {
        case session
        case directTCP(host: String, port: UInt16, originator: String, originatorPort: UInt16)
        case forwardedTCP(host: String, port: UInt16, originator: String, originatorPort: UInt16)
        case agent
    }

    /// Goes on with opening the channel.
    package func open(_ opening: Opening) -> Progress {
        switch opening {
        case .session:
            return unsafe progress(ssh_channel_open_session(raw))
        case .directTCP(let host, let port, let originator, let originatorPort):
            return unsafe progress(
                ssh_channel_open_forward(raw, host, Int32(port), originator, Int32(originatorPort)))
        case .forwardedTCP(let host, let port, let originator, let originatorPort):
            return unsafe progress(
                ssh_channel_open_reverse_forward(raw, host, Int32(port), originator, Int32(originatorPort)))
        case .agent:
            return unsafe progress(ssh_channel_open_auth_agent(raw))
        }
    }

    /// A request of a session channel.
    package enum Request: Equatable {
        case pseudoTerminal(IncomingMessage.Terminal)
        case windowChange(columns: Int32, rows: Int32)
        case environment(name: [UInt8], value: [UInt8])
        case shell
        case exec([UInt8])
        case subsystem([UInt8])
        case signal([UInt8])
        case agent
    }

    /// Goes on with a request.
    package func request(_ request: Request) -> Progress {
        switch request {
        case .pseudoTerminal(let terminal):
            unsafe withCString(terminal.name) {
                unsafe progress(ssh_channel_request_pty_size(raw, $0, terminal.columns, terminal.rows))
            }
        case .windowChange(let columns, let rows):
            unsafe progress(ssh_channel_change_pty_size(raw, columns, rows))
        case .environment(let name, let value):
            unsafe withCString(name) { name in
                unsafe withCString(value) { unsafe progress(ssh_channel_request_env(raw, name, $0)) }
            }
        case .shell:
            unsafe progress(ssh_channel_request_shell(raw))
        case .exec(let command):
            unsafe withCString(command) { unsafe progress(ssh_channel_request_exec(raw, $0)) }
        case .subsystem(let name):
            unsafe withCString(name) { unsafe progress(ssh_channel_request_subsystem(raw, $0)) }
        case .signal(let name):
            unsafe withCString(name) { unsafe progress(ssh_channel_request_send_signal(raw, $0)) }
        case .agent:
            unsafe progress(ssh_channel_request_auth_agent(raw))
        }
    }

    private func progress(_ result: Int32) -> Progress {
        switch result {
        case SSH_OK: .done
        case SSH_AGAIN: .again
        default: .refused
        }
    }
}
