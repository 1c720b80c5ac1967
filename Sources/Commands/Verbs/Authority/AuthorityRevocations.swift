import Directory
import Support

/// Lists revoked certificates and keys: `gatehouse ca revocations [--json]`.
package struct AuthorityRevocations: DaemonCommand {
    package static let words = ["ca", "revocations"]
    package static let summary = "List certificates and keys that open nothing any more"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let certificates = try context.directory.certificateRevocations()
        let keys = try context.directory.revokedKeys()
        let names = Dictionary(
            try context.directory.authorities().map { ($0.material.fingerprint, $0.name) },
            uniquingKeysWith: { first, _ in first })
        var table = Table("WHAT", "CA")
        for revocation in certificates {
            table.add(revocation.mark.text, names[revocation.authority] ?? revocation.authority)
        }
        for key in keys { table.add("key \(key.fingerprint)", "") }
        let entries =
            certificates.map { revocation in
                JSON.object([
                    "ca": .string(revocation.authority), "by": .string(revocation.mark.field),
                    "value": .string(revocation.mark.value),
                ])
            }
            + keys.map { key in
                .object(["ca": .null, "by": .string("key"), "value": .string(key.fingerprint)])
            }
        return try context.show(json: isJSON, ["revocations": .array(entries)], text: table.text)
    }
}
