internal import SQLite
internal import Support

/// Who has enrolled for one-time codes.
extension Tables {
    /// Bytes of a sealed secret, and of a hash; nothing else is kept.
    private static let sealedLengths = 32...256
    private static let hashLength = 32
    private static let recoveryLimit = 64

    func codeEnrolment(of uid: UInt32) throws -> CodeEnrolment? {
        let hashes = try database.rows("SELECT hash FROM recovery_codes WHERE uid = ?1 ORDER BY hash", [uid])
        {
            $0.blob(0)
        }
        return try database.first(
            "SELECT sealed, enrolled, last_step FROM totp_enrolments WHERE uid = ?1", [uid]
        ) { row in
            CodeEnrolment(
                sealedSecret: row.blob(0), enrolled: row.timestamp(1), lastStep: row.integer(2),
                recoveryHashes: hashes)
        }
    }

    func someSealedSecret() throws -> (user: String, sealedSecret: [UInt8])? {
        try database.first(
            "SELECT n.name, e.sealed FROM totp_enrolments e JOIN numbers n ON n.number = e.uid LIMIT 1", []
        ) { row in (user: row.text(0), sealedSecret: row.blob(1)) }
    }

    func setCodeEnrolment(_ enrolment: CodeEnrolment, of user: User) throws {
        guard Self.sealedLengths.contains(enrolment.sealedSecret.count), enrolment.lastStep >= 0,
            enrolment.recoveryHashes.count <= Self.recoveryLimit,
            enrolment.recoveryHashes.allSatisfy({ $0.count == Self.hashLength })
        else { throw DirectoryError(.invalidField, "an enrolment for one-time codes is malformed") }
        _ = try removeCodeEnrolment(of: user.uid)
        try database.run(
            "INSERT INTO totp_enrolments VALUES (?1, ?2, ?3, ?4)", user.uid, enrolment.sealedSecret,
            enrolment.enrolled.wholeSeconds, enrolment.lastStep)
        for hash in Set(enrolment.recoveryHashes) {
            try database.run("INSERT INTO recovery_codes VALUES (?1, ?2)", user.uid, hash)
        }
    }

    func removeCodeEnrolment(of uid: UInt32) throws -> Bool {
        try database.run("DELETE FROM recovery_codes WHERE uid = ?1", uid)
        return try database.run("DELETE FROM totp_enrolments WHERE uid = ?1", uid) > 0
    }

    func spendCode(ofStep step: Int64, of uid: UInt32) throws -> Bool {
        try database.run(
            "UPDATE totp_enrolments SET last_step = ?2 WHERE uid = ?1 AND last_step < ?2", uid, step) == 1
    }

    func spendRecoveryCode(_ hash: [UInt8], of uid: UInt32) throws -> Int? {
        guard try database.run("DELETE FROM recovery_codes WHERE uid = ?1 AND hash = ?2", uid, hash) == 1
        else { return nil }
        return try database.first("SELECT count(*) FROM recovery_codes WHERE uid = ?1", [uid]) {
            Int($0.integer(0))
        }
    }
}
