package import Support

/// That somebody has enrolled for one-time codes, as the directory keeps it: no secret stands here in the clear.
package struct CodeEnrolment: Equatable, Sendable {
    /// The secret, encrypted with a key that is not in the directory.
    package let sealedSecret: [UInt8]
    package let enrolled: Timestamp
    /// The last period of which a code was given; none of it or before it will do again.
    package let lastStep: Int64
    /// Keyed hashes of the recovery codes that were not used yet.
    package let recoveryHashes: [[UInt8]]

    package init(sealedSecret: [UInt8], enrolled: Timestamp, lastStep: Int64, recoveryHashes: [[UInt8]]) {
        self.sealedSecret = sealedSecret
        self.enrolled = enrolled
        self.lastStep = lastStep
        self.recoveryHashes = recoveryHashes
    }
}

extension DirectoryStore {
    /// How a user has enrolled; nil: not, or there is no such user.
    package func codeEnrolment(of user: String) throws -> CodeEnrolment? {
        try read { tables in try tables.findUser(user).flatMap { try tables.codeEnrolment(of: $0.uid) } }
    }

    /// The sealed secret of somebody who has enrolled; nil: nobody has.
    package func someSealedSecret() throws -> (user: String, sealedSecret: [UInt8])? {
        try read { try $0.someSealedSecret() }
    }

    /// Enrols a user in the place of what there was before.
    ///
    /// - Parameter former: the sealed secret that was there when it began; nil: none.
    /// - Throws: `DirectoryError` `.conflict` when that is not so any more, `.notFound`, `.userNotActive` for who has left,
    ///   `.invalidField`.
    package func enrolCodes(_ enrolment: CodeEnrolment, of user: String, replacing former: [UInt8]?) throws {
        try change { tables in
            let user = try tables.presentUser(user)
            guard try tables.codeEnrolment(of: user.uid)?.sealedSecret == former else {
                throw DirectoryError(
                    .conflict, "'\(user.name)' was enrolled for one-time codes by somebody else meanwhile",
                    hint: "see 'totp status'; if that was not you, tell an administrator at once")
            }
            try tables.setCodeEnrolment(enrolment, of: user)
        }
    }

    /// Forgets how a user has enrolled; false: they had not.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removeCodes(of user: String) throws -> Bool {
        try change { try $0.removeCodeEnrolment(of: try $0.user(user).uid) }
    }

    /// Notes that the code of a period was given; false: it, or a later one, was given before.
    package func spendCode(ofStep step: Int64, of user: String) throws -> Bool {
        try write { tables in
            guard let uid = try tables.findUser(user)?.uid else { return false }
            return try tables.spendCode(ofStep: step, of: uid)
        }
    }

    /// Strikes a recovery code out; nil: there is none with this hash, else how many are left.
    package func spendRecoveryCode(_ hash: [UInt8], of user: String) throws -> Int? {
        try write { tables in
            guard let uid = try tables.findUser(user)?.uid else { return nil }
            return try tables.spendRecoveryCode(hash, of: uid)
        }
    }
}
