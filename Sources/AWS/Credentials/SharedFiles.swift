internal import Glibc
internal import Support

/// `~/.aws/config` and `~/.aws/credentials`, read once.
package struct SharedFiles: Sendable {
    /// The settings of one profile; the credentials file wins over the config file.
    package struct Profile: Sendable {
        package let name: String
        package let settings: [String: String]

        /// The setting's value; nil also for an empty one.
        package subscript(setting: String) -> String? {
            guard let value = settings[setting], !value.isEmpty else { return nil }
            return value
        }
    }

    /// The profile that the environment chooses; nil when it chooses none and there is no `default`.
    package let profile: Profile?

    /// Reads the files that the environment names, or those of the home folder; a file that is not there is an empty one.
    ///
    /// - Throws: `AWSError` with code `configuration` for a file that cannot be read or understood, and for a chosen
    ///   profile that neither has.
    package init(_ environment: Environment) throws(AWSError) {
        let home = environment["HOME"]
        let config = try Self.read(environment["AWS_CONFIG_FILE"] ?? home.map { "\($0)/.aws/config" })
        let credentials = try Self.read(
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home.map { "\($0)/.aws/credentials" })
        let name = environment["AWS_PROFILE"]
        let section = name ?? "default"
        let found =
            [config["profile \(section)"] ?? (section == "default" ? config["default"] : nil)]
            + [credentials[section]]
        let settings = found.compactMap { $0 }
        guard !settings.isEmpty else {
            if let name {
                throw AWSError(
                    .configuration,
                    "AWS_PROFILE names '\(name.printable)', which is in neither of AWS's files")
            }
            profile = nil
            return
        }
        profile = Profile(
            name: section,
            settings: settings.reduce(into: [:]) { $0.merge($1) { _, later in later } })
    }

    private static func read(_ path: String?) throws(AWSError) -> [String: [String: String]] {
        guard let path else { return [:] }
        let contents: [UInt8]
        do {
            contents = try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20)
        } catch {
            if error.number == ENOENT || error.number == ENOTDIR { return [:] }
            throw AWSError(.configuration, "\(error)")
        }
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw AWSError(.configuration, "\(path) is not text")
        }
        return try INIFile.parse(text, path: path)
    }
}
