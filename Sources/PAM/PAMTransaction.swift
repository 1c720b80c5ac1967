import CPAM
package import Control
import Glibc
import Support

/// One run of a PAM stack: authentication, account, and a new password where the old one has expired.
///
/// Blocks as long as modules like; for one thread, in a process of its own.
package struct PAMTransaction {
    /// How questions reach the person; throws when there is nobody any more.
    package typealias Ask = (Questions) throws -> [[UInt8]]

    /// Why somebody is not authenticated; the texts are for the log.
    package enum Failure: Equatable {
        /// The stack says no.
        case refused(String)
        /// It cannot say.
        case unavailable(String)
    }

    private let start: PAMMessage.Start

    package init(_ start: PAMMessage.Start) {
        self.start = start
    }

    /// Runs the stack.
    ///
    /// - Returns: nil: the user is authenticated and their account is good; else why not.
    package func run(asking ask: @escaping Ask) -> Failure? {
        let conversation = Conversation(ask: ask)
        return withExtendedLifetime(conversation) { run(with: conversation) }
    }

    /// libpam falls back to the stack `other`, which nobody has made for this.
    private var hasStack: Bool {
        let folders = start.folder.isEmpty ? ["/etc/pam.d", "/usr/lib/pam.d"] : [start.folder]
        return folders.contains { unsafe access("\($0)/\(start.service)", F_OK) == 0 }
    }

    private func run(with conversation: Conversation) -> Failure? {
        guard hasStack else { return .unavailable("there is no PAM stack \(start.service)") }
        var entry = unsafe pam_conv(
            conv: converse, appdata_ptr: Unmanaged.passUnretained(conversation).toOpaque())
        var handle: OpaquePointer?
        let started =
            start.folder.isEmpty
            ? unsafe pam_start(start.service, start.user, &entry, &handle)
            : unsafe pam_start_confdir(start.service, start.user, &entry, start.folder, &handle)
        guard started == PAM_SUCCESS, let handle = unsafe handle else {
            return .unavailable("PAM does not start: error \(started)")
        }
        let status = unsafe authenticate(handle)
        let failure = unsafe failure(of: handle, status)
        conversation.flush()
        unsafe pam_end(handle, status)
        return failure
    }

    private func authenticate(_ handle: OpaquePointer) -> Int32 {
        for (item, text) in [(PAM_RHOST, start.address), (PAM_TTY, "ssh")] {
            let status = unsafe text.withCString { unsafe pam_set_item(handle, item, $0) }
            guard status == PAM_SUCCESS else { return status }
        }
        // An empty password opens nothing, whatever the stack thinks of it.
        let noEmptyPassword = Int32(PAM_DISALLOW_NULL_AUTHTOK)
        var status = unsafe pam_authenticate(handle, noEmptyPassword)
        // That a password has expired is for the account's modules to say; here it is a failure like others.
        guard status == PAM_SUCCESS else { return status }
        status = unsafe pam_acct_mgmt(handle, noEmptyPassword)
        if status == PAM_NEW_AUTHTOK_REQD, start.mayChangePassword {
            status = unsafe pam_chauthtok(handle, Int32(PAM_CHANGE_EXPIRED_AUTHTOK))
        }
        return status
    }

    private func failure(of handle: OpaquePointer, _ status: Int32) -> Failure? {
        guard status == PAM_SUCCESS else {
            let words = unsafe pam_strerror(handle, status).map { unsafe String(cString: $0) }
            let text = words?.printable ?? "PAM error \(status)"
            return Self.faults.contains(status) ? .unavailable(text) : .refused(text)
        }
        // A module may have made somebody else of the user: that is not who logs in.
        var item: UnsafeRawPointer?
        guard unsafe pam_get_item(handle, PAM_USER, &item) == PAM_SUCCESS, let item = unsafe item,
            unsafe String(cString: item.assumingMemoryBound(to: CChar.self)) == start.user
        else { return .refused("PAM has changed the user's name") }
        return nil
    }

    /// What says that something is broken or out of reach, not that a secret is wrong.
    private static let faults: Set<Int32> = [
        PAM_OPEN_ERR, PAM_SYMBOL_ERR, PAM_SERVICE_ERR, PAM_SYSTEM_ERR, PAM_BUF_ERR, PAM_AUTHINFO_UNAVAIL,
        PAM_ABORT, PAM_CONV_ERR, PAM_MODULE_UNKNOWN,
    ]
}

private func converse(
    count: Int32,
    messages: UnsafeMutablePointer<UnsafePointer<pam_message>?>?,
    responses: UnsafeMutablePointer<UnsafeMutablePointer<pam_response>?>?,
    context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let messages = unsafe messages, let responses = unsafe responses, let context = unsafe context,
        (1...PAM_MAX_NUM_MSG).contains(count)
    else { return PAM_CONV_ERR }
    let conversation = unsafe Unmanaged<Conversation>.fromOpaque(context).takeUnretainedValue()
    return unsafe conversation.converse(UnsafeBufferPointer(start: messages, count: Int(count)), responses)
}
