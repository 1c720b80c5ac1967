import Collector
import FileEvents
import Glibc
import Shipping
import Support

/// Notes which session of Gatehouse a login belongs to; called by PAM (pam_exec) when a session begins.
///
/// Never stands in the way of a login: what cannot be noted is a line in the log.
enum SessionHookVerb: Verb {
    static let name = "session-hook"
    static let summary = "Note which session a login belongs to; for pam_exec"
    static let usage = "session-hook [--settings FILE]"

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        let path = try words.option("--settings") ?? WatchSettings.path
        try words.finish()
        let hook = SessionHook { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
        guard hook.isOpening else { return .success }
        do {
            guard let login = try number("loginuid"), let auditSession = try number("sessionid") else {
                throw Refusal(
                    .unavailable, "the login has no number of the audit",
                    hint: "put pam_loginuid.so before this in the PAM stack")
            }
            let boot = try BootIdentifier.current()
            let record = SessionRecord(
                boot: boot, loginUID: login, user: hook.user, pid: UInt32(getppid()), session: hook.session,
                connection: hook.connection)
            let settings = try WatchSettings.load(path)
            try SessionFolder(runtime: settings.runtime, boot: boot).write(record, of: auditSession)
            return .success
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.failure, "\(error)")
        }
    }

    /// A number of this process that it has from its login; nil: it is unset.
    private static func number(_ name: String) throws -> UInt32? {
        let bytes = try Descriptor.open("/proc/self/\(name)", O_RDONLY).readAll(limit: 32)
        let value = UInt32(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
        return value == .max ? nil : value
    }
}
