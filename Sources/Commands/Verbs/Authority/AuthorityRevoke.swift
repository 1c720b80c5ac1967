import Directory
import Support

/// Revokes certificates of a CA: `gatehouse ca revoke NAME --serial N`.
package struct AuthorityRevoke: DaemonCommand {
    package static let words = ["ca", "revoke"]
    package static let summary = "Refuse certificates of a CA, for ever; live sessions go on"
    package static let usage = "NAME (--serial NUMBER | --key-id TEXT)"
    package static let examples = ["ca revoke corporate --serial 4711", "ca revoke ci --key-id build-7"]

    private let name: String
    private let mark: CertificateRevocation.Mark

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        switch (try words.number("--serial", as: UInt64.self), try words.option("--key-id")) {
        case (0?, nil):
            throw UsageError(
                "0 is the serial of every certificate that was given none; revoke by --key-id, or the key by 'key revoke'"
            )
        case (let serial?, nil): mark = .serial(serial)
        case (nil, let text?): mark = .keyID(text)
        default: throw UsageError("certificates are known by one of --serial and --key-id")
        }
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.revokeCertificates(mark, of: name)
        return try context.done(
            Change(Self.self, ["ca.name": name, mark.field: mark.value]),
            "certificates of \(name) with the \(mark.text) open nothing any more")
    }
}

extension CertificateRevocation.Mark {
    /// What the event log calls it.
    var field: String {
        switch self {
        case .serial: "serial"
        case .keyID: "key.id"
        }
    }

    var value: String {
        switch self {
        case .serial(let number): String(number)
        case .keyID(let text): text
        }
    }

    /// `serial 4711` or `key id build-7`.
    var text: String {
        switch self {
        case .serial: "serial \(value)"
        case .keyID: "key id \(value.printable)"
        }
    }
}
