package import Audit
package import Configuration
package import Directory
import Glibc
package import OneTimeCodes
package import SSHKeys
import Support

/// The files of a gateway: makes what is missing, leaves what is there.
package struct Installation {
    let configuration: Configuration

    package init(configuration: Configuration) {
        self.configuration = configuration
    }

    /// Something the installation consists of, for the person who made it.
    struct Part: Equatable {
        var what: String
        var value: String
        /// Made now, or there already.
        var isNew: Bool
    }

    /// Makes the configuration file if there is none, and reads it.
    ///
    /// - Throws: `ConfigurationError` or `SystemError`.
    static func configure(_ path: String) throws -> (Installation, Part) {
        let isNew = try !SafeFile.exists(path)
        if isNew {
            _ = try SafeFile.makeFolder(SafeFile.parent(of: path), mode: 0o755)
            try SafeFile.write(Configuration.template.utf8, to: path, mode: 0o644)
        }
        let installation = Installation(configuration: try Configuration.load(path: path))
        return (installation, Part(what: "configuration", value: path, isNew: isNew))
    }

    /// Makes folders and keys.
    ///
    /// - Throws: `CommandError` for what is there and not safe, `KeyError`, `SystemError`.
    func prepare() throws -> [Part] {
        var parts: [Part] = []
        let state = configuration.stateDirectory
        parts.append(Part(what: "state", value: state, isNew: try SafeFile.makeFolder(state, mode: 0o700)))
        _ = try SafeFile.makeFolder(configuration.journalDirectory, mode: 0o700)
        _ = try SafeFile.makeFolder(configuration.runtimeDirectory, mode: 0o755)
        parts.append(try makeKey(configuration.userCAPath, what: "user CA", comment: "gatehouse-user-ca"))
        for path in configuration.hostKeys {
            parts.append(try makeKey(path, what: "host key", comment: "gatehouse"))
        }
        return parts
    }

    /// Opens the database, making it if need be.
    ///
    /// - Throws: `SQLiteError` or `SystemError`.
    package func openDatabase() throws -> (directory: DirectoryStore, events: EventLog) {
        let path = configuration.databasePath
        let stores = (
            try DirectoryStore(path: path, uidRange: configuration.uidRange), try EventLog(path: path)
        )
        try SystemError.check(unsafe chmod(path, 0o600), "chmod \(path)")
        return stores
    }

    /// Reads the key that signs checkpoints of the event log, making it if there never was one.
    ///
    /// - Throws: as `prepare`; `CommandError` when the key is gone.
    package func eventKey(of events: EventLog) throws -> PrivateKey {
        _ = try makeEventKey(of: events)
        guard let contents = try SafeFile.readSecret(configuration.eventKeyPath, limit: PrivateKey.fileLimit)
        else { throw CommandError(.configuration, "\(configuration.eventKeyPath) is gone again") }
        return try PrivateKey(fileContents: contents)
    }

    /// Makes that key if there never was one.
    func makeEventKey(of events: EventLog) throws -> Part {
        // A new key would make all that the old one has signed worthless, in silence.
        if try !SafeFile.exists(configuration.eventKeyPath), try events.hasCheckpoints() {
            throw CommandError(
                .configuration, "\(configuration.eventKeyPath) is gone, which signed the event log",
                hint: "put it back from the backup")
        }
        return try makeKey(configuration.eventKeyPath, what: "event key", comment: "gatehouse-events")
    }

    /// Reads the key of one-time codes, making it if nobody has enrolled yet.
    ///
    /// - Throws: `CommandError` when the key is gone; `CodeError`, `SQLiteError`, `SystemError`.
    package func codeKey(of directory: DirectoryStore) throws -> CodeKey {
        let path = configuration.codeKeyPath
        if let contents = try SafeFile.readSecret(path, limit: CodeKey.byteCount + 1) {
            let key = try CodeKey(contents)
            // Else everybody who has enrolled would be refused, with codes that are right.
            if let some = try directory.someSealedSecret(), !key.fits(some.sealedSecret, of: some.user) {
                throw CommandError(
                    .configuration, "\(path) is another key than that of the one-time codes in the database",
                    hint: "put back the one of the database's backup")
            }
            return key
        }
        // A new key would make every authenticator worthless, in silence.
        guard try directory.someSealedSecret() == nil else {
            throw CommandError(
                .configuration, "\(path) is gone, with which the secrets of one-time codes are encrypted",
                hint: "put it back from the backup")
        }
        let contents = try CodeKey.makeContents()
        try SafeFile.write(contents, to: path, mode: 0o600)
        return try CodeKey(contents)
    }

    private func makeKey(_ path: String, what: String, comment: String) throws -> Part {
        let contents = try SafeFile.readSecret(path, limit: PrivateKey.fileLimit)
        let publicKey: PublicKey
        if let contents {
            publicKey = try PrivateKey.publicKey(inFileContents: contents).commented(comment)
        } else {
            let key = try PrivateKey.generate(comment: comment)
            try SafeFile.write(try key.fileContents().utf8, to: path, mode: 0o600)
            publicKey = key.publicKey
        }
        if try contents == nil || !SafeFile.exists(path + ".pub") {
            try SafeFile.write((publicKey.line + "\n").utf8, to: path + ".pub", mode: 0o644)
        }
        return Part(what: what, value: publicKey.fingerprint, isNew: contents == nil)
    }
}
