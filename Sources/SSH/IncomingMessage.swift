import CLibSSH
import Glibc
import Support

/// Something the peer asks of us; it can be answered at any later time, once.
///
/// One that is dropped unanswered is refused.
@safe
package final class IncomingMessage {
    /// What is asked.
    package enum Kind: Equatable {
        case service(String)
        case authentication(user: String, AuthenticationMethod)
        case openSession
        case openDirectTCP(host: String, port: UInt16, originator: String, originatorPort: UInt16)
        case openForwardedTCP(host: String, port: UInt16, originator: String, originatorPort: UInt16)
        case openAgent
        case openOther
        case pseudoTerminal(Terminal)
        case windowChange(columns: Int32, rows: Int32)
        case environment(name: [UInt8], value: [UInt8])
        case shell
        case exec([UInt8])
        case subsystem([UInt8])
        case otherChannelRequest
        case forward(address: String, port: UInt16)
        case cancelForward(address: String, port: UInt16)
        case other
    }

    /// A terminal as the client describes it. libssh 0.10 drops the modes and the size in pixels.
    package struct Terminal: Equatable, Sendable {
        /// The terminal's type, such as `xterm`.
        package var name: [UInt8]
        /// Width in characters.
        package var columns: Int32
        /// Height in characters.
        package var rows: Int32
    }

    /// How the client wants to prove who it is (RFC 4252).
    package enum AuthenticationMethod: Equatable, Sendable {
        case none
        /// The client asks whether this key would do; nothing is proved.
        case publicKeyProbe([UInt8])
        /// The client signed with this key, and libssh has verified the signature.
        case publicKeyVerified([UInt8])
        /// The client wants to be asked questions (RFC 4256).
        case interactive
        /// What the client answers, one for each question or not; the message names no user.
        case answers([[UInt8]])
        /// A password, which nobody has looked at.
        case password([UInt8])
        case other(String)
    }

    /// What is asked for.
    package let kind: Kind
    private let raw: ssh_message
    /// libssh's message points to its session, also while it waits for an answer longer than anybody else needs the session.
    private let transport: Transport
    private var isAnswered = false

    init(adopting raw: ssh_message, of transport: Transport) {
        unsafe self.raw = raw
        self.transport = transport
        kind = unsafe Self.readKind(raw, transport)
    }

    deinit {
        refuse()
        unsafe ssh_message_free(raw)
    }

    /// Says no in the way the protocol has for this message.
    package func refuse() {
        answer { unsafe ssh_message_reply_default(raw) }
    }

    /// Yes to a channel request.
    package func acceptRequest() {
        answer { unsafe ssh_message_channel_request_reply_success(raw) }
    }

    /// Yes to a service request.
    package func acceptService() {
        answer { unsafe ssh_message_service_reply_success(raw) }
    }

    /// Yes to a probe: a signature by this key would be accepted.
    package func acceptKeyProbe() {
        answer { unsafe ssh_message_auth_reply_pk_ok_simple(raw) }
    }

    /// The client is logged in.
    package func acceptLogin() {
        answer { unsafe ssh_message_auth_reply_success(raw, 0) }
    }

    /// What was shown is right, and something else is asked for besides.
    ///
    /// - Parameter methods: by which the client can go on, as RFC 4252 names them.
    package func acceptPartially(methods: [String]) {
        answer {
            var bits: UInt32 = 0
            for method in methods { bits |= ServerTransport.bit(ofMethod: method) }
            unsafe ssh_message_auth_set_methods(raw, Int32(bits))
            return unsafe ssh_message_auth_reply_success(raw, 1)
        }
    }

    /// Asks the person behind the client (RFC 4256); the answers come as another message.
    package func ask(instruction: String, prompts: [(text: String, isEchoed: Bool)]) {
        answer {
            let texts = unsafe prompts.map { unsafe strdup($0.text) }
            defer { unsafe texts.forEach { unsafe free($0) } }
            var pointers = unsafe texts.map { unsafe UnsafePointer<CChar>($0) }
            var echoes = prompts.map { CChar($0.isEchoed ? 1 : 0) }
            return unsafe ssh_message_auth_interactive_request(
                raw, "", instruction, UInt32(prompts.count), &pointers, &echoes)
        }
    }

    /// Yes to a forward; `boundPort` is told to the client when it asked for port 0.
    package func acceptForward(boundPort: UInt16) {
        answer { unsafe ssh_message_global_request_reply_success(raw, boundPort) }
    }

    /// Opens the channel that was asked for; nil when the connection is gone.
    package func acceptChannel(on transport: Transport) -> Channel? {
        guard !isAnswered else { return nil }
        isAnswered = true
        guard let channel = unsafe ssh_message_channel_request_open_reply_accept(raw) else { return nil }
        return unsafe Channel(adopting: channel, of: transport)
    }

    /// Identifies the channel that a channel request belongs to; equals `Channel.identity`.
    package var channelIdentity: UInt? {
        guard let channel = unsafe ssh_message_channel_request_channel(raw) else { return nil }
        return UInt(bitPattern: channel)
    }

    /// Gives up on a message whose channel is gone: nothing is sent.
    package func abandon() {
        isAnswered = true
    }

    private func answer(_ reply: () -> Int32) {
        guard !isAnswered else { return }
        isAnswered = true
        _ = reply()
    }
}

extension IncomingMessage {
    private static func readKind(_ raw: ssh_message, _ transport: Transport) -> Kind {
        let subtype = unsafe UInt32(bitPattern: ssh_message_subtype(raw))
        switch unsafe UInt32(bitPattern: ssh_message_type(raw)) {
        case SSH_REQUEST_SERVICE.rawValue:
            return unsafe .service(text(ssh_message_service_service(raw)))
        case SSH_REQUEST_AUTH.rawValue:
            return unsafe .authentication(
                user: text(ssh_message_auth_user(raw)), readMethod(raw, subtype: subtype, transport))
        case SSH_REQUEST_CHANNEL_OPEN.rawValue:
            return unsafe readOpen(raw, subtype: subtype)
        case SSH_REQUEST_CHANNEL.rawValue:
            return unsafe readRequest(raw, subtype: subtype)
        case SSH_REQUEST_GLOBAL.rawValue:
            let address = unsafe text(ssh_message_global_request_address(raw))
            let port = unsafe UInt16(truncatingIfNeeded: ssh_message_global_request_port(raw))
            switch subtype {
            case SSH_GLOBAL_REQUEST_TCPIP_FORWARD.rawValue: return .forward(address: address, port: port)
            case SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD.rawValue:
                return .cancelForward(address: address, port: port)
            default: return .other
            }
        default:
            return .other
        }
    }

    private static func readMethod(
        _ raw: ssh_message, subtype: UInt32, _ transport: Transport
    ) -> AuthenticationMethod {
        switch subtype {
        case UInt32(SSH_AUTH_METHOD_NONE): return .none
        case UInt32(SSH_AUTH_METHOD_PUBLICKEY):
            guard let key = unsafe ssh_message_auth_pubkey(raw), let blob = unsafe publicBlob(of: key) else {
                return .other("publickey")
            }
            switch unsafe ssh_message_auth_publickey_state(raw) {
            case SSH_PUBLICKEY_STATE_VALID: return .publicKeyVerified(blob)
            case SSH_PUBLICKEY_STATE_NONE: return .publicKeyProbe(blob)
            default: return .other("publickey")
            }
        case UInt32(SSH_AUTH_METHOD_PASSWORD): return unsafe .password(bytes(ssh_message_auth_password(raw)))
        case UInt32(SSH_AUTH_METHOD_INTERACTIVE):
            guard unsafe ssh_message_auth_kbdint_is_response(raw) == 1 else { return .interactive }
            let count = unsafe max(0, ssh_userauth_kbdint_getnanswers(transport.session))
            return .answers(
                (0..<UInt32(count)).map { index in
                    unsafe bytes(ssh_userauth_kbdint_getanswer(transport.session, index))
                })
        case UInt32(SSH_AUTH_METHOD_HOSTBASED): return .other("hostbased")
        default: return .other("unknown")
        }
    }

    private static func readOpen(_ raw: ssh_message, subtype: UInt32) -> Kind {
        if subtype == SSH_CHANNEL_SESSION.rawValue { return .openSession }
        if subtype == SSH_CHANNEL_AUTH_AGENT.rawValue { return .openAgent }
        guard subtype == SSH_CHANNEL_DIRECT_TCPIP.rawValue || subtype == SSH_CHANNEL_FORWARDED_TCPIP.rawValue
        else { return .openOther }
        let host = unsafe text(ssh_message_channel_request_open_destination(raw))
        let port = unsafe UInt16(truncatingIfNeeded: ssh_message_channel_request_open_destination_port(raw))
        let originator = unsafe text(ssh_message_channel_request_open_originator(raw))
        let originatorPort = unsafe UInt16(
            truncatingIfNeeded: ssh_message_channel_request_open_originator_port(raw))
        return subtype == SSH_CHANNEL_DIRECT_TCPIP.rawValue
            ? .openDirectTCP(host: host, port: port, originator: originator, originatorPort: originatorPort)
            : .openForwardedTCP(
                host: host, port: port, originator: originator, originatorPort: originatorPort)
    }

    private static func readRequest(_ raw: ssh_message, subtype: UInt32) -> Kind {
        switch subtype {
        case SSH_CHANNEL_REQUEST_PTY.rawValue:
            return unsafe .pseudoTerminal(
                Terminal(
                    name: bytes(ssh_message_channel_request_pty_term(raw)),
                    columns: ssh_message_channel_request_pty_width(raw),
                    rows: ssh_message_channel_request_pty_height(raw)))
        case SSH_CHANNEL_REQUEST_WINDOW_CHANGE.rawValue:
            return unsafe .windowChange(
                columns: ssh_message_channel_request_pty_width(raw),
                rows: ssh_message_channel_request_pty_height(raw))
        case SSH_CHANNEL_REQUEST_ENV.rawValue:
            return unsafe .environment(
                name: bytes(ssh_message_channel_request_env_name(raw)),
                value: bytes(ssh_message_channel_request_env_value(raw)))
        case SSH_CHANNEL_REQUEST_SHELL.rawValue:
            return .shell
        case SSH_CHANNEL_REQUEST_EXEC.rawValue:
            return unsafe .exec(bytes(ssh_message_channel_request_command(raw)))
        case SSH_CHANNEL_REQUEST_SUBSYSTEM.rawValue:
            return unsafe .subsystem(bytes(ssh_message_channel_request_subsystem(raw)))
        default:
            return .otherChannelRequest
        }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String {
        guard let pointer = unsafe pointer else { return "" }
        return unsafe String(cString: pointer)
    }

    /// A C string's bytes without the terminator; commands and values need not be UTF-8.
    private static func bytes(_ pointer: UnsafePointer<CChar>?) -> [UInt8] {
        guard let pointer = unsafe pointer else { return [] }
        return unsafe UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map {
            UInt8(bitPattern: $0)
        }
    }
}
