import SSHKeys
import Support
import TestSupport

/// A key pair that the real ssh-keygen made.
struct KeygenFixture {
    let folder: ScratchFolder
    let publicLine: String
    let privateFile: [UInt8]

    init(_ type: String, bits: Int? = nil, passphrase: String = "", comment: String = "made by ssh-keygen")
        throws
    {
        folder = try ScratchFolder()
        var words = ["-q", "-t", type, "-N", passphrase, "-C", comment, "-f", folder.path + "/key"]
        if let bits { words += ["-b", "\(bits)"] }
        let run = try Tool("/usr/bin/ssh-keygen", words)
        guard run.status == 0 else { throw KeyError(.malformed, run.output) }
        publicLine = String(decoding: try folder.read("key.pub"), as: UTF8.self)
        privateFile = try folder.read("key")
    }

    /// What `ssh-keygen -l` says of the key.
    func fingerprint() throws -> String {
        let run = try Tool("/usr/bin/ssh-keygen", ["-l", "-f", folder.path + "/key.pub"])
        return run.output.split(separator: " ").dropFirst().first.map(String.init) ?? ""
    }
}

/// Runs `body` and gives the code of the `KeyError` it threw.
func keyErrorCode(_ body: () throws -> Void) -> KeyError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? KeyError)?.code
    }
}
