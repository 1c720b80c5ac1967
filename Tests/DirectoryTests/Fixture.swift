import Directory
import Support
import TestSupport
import Testing

/// A directory in a folder of its own, and short ways to fill it.
struct Fixture {
    let folder: TemporaryFolder
    let store: DirectoryStore

    init(_ range: ClosedRange<UInt32> = 20_000...20_099) throws {
        folder = try TemporaryFolder()
        store = try DirectoryStore(path: folder.file, uidRange: range)
    }

    static let time = Timestamp(milliseconds: 1_700_000_000_000)

    /// A key that differs from those with another number.
    static func key(_ number: UInt8) -> KeyMaterial {
        let digits = String(number)
        let digest = String(repeating: "A", count: 43 - digits.count) + digits
        return KeyMaterial(type: "ssh-ed25519", blob: [0, 0, 0, number], fingerprint: "SHA256:\(digest)")
    }

    @discardableResult
    func user(_ name: String, groups: [String] = []) throws -> User {
        try store.addUser(NewUser(name, groups: groups), at: Self.time)
    }

    @discardableResult
    func group(_ name: String) throws -> Group {
        try store.addGroup(name, at: Self.time)
    }

    @discardableResult
    func host(_ name: String, _ keys: [KeyMaterial] = [key(200)]) throws -> Host {
        try store.addHost(name, address: "10.0.0.1", keys: keys, at: Self.time)
    }

    /// Expects that `body` breaks the rule `code` and changes nothing.
    @discardableResult
    func refuses(
        _ code: DirectoryError.Code, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) throws -> DirectoryError? {
        let before = try store.exportJSON()
        let generation = try store.generation()
        let error = #expect(throws: DirectoryError.self, sourceLocation: sourceLocation, performing: body)
        #expect(error?.code == code, "\(String(describing: error))", sourceLocation: sourceLocation)
        #expect(try store.exportJSON() == before, sourceLocation: sourceLocation)
        #expect(try store.generation() == generation, sourceLocation: sourceLocation)
        return error
    }
}
