import Authentication
import Commands
import Configuration
import Directory
import OneTimeCodes
import Support

extension CodeDesk {
    /// Reads the key of one-time codes, making it if there never was one.
    ///
    /// - Throws: `StartupError` for a key that is gone or not what it should be; `SQLiteError`, `SystemError`.
    static func open(
        _ directory: DirectoryStore, _ guesses: GuessLedger, of configuration: Configuration
    ) throws -> CodeDesk {
        do {
            let key = try Installation(configuration: configuration).codeKey(of: directory)
            return CodeDesk(directory: directory, key: key, guesses: guesses)
        } catch let error as CommandError {
            throw StartupError(error.hint.map { "\(error.why); \($0)" } ?? error.why)
        } catch let error as CodeError {
            throw StartupError("\(configuration.codeKeyPath): \(error)")
        }
    }
}
