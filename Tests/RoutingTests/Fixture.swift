import Authorization
import Directory
import Support
import TestSupport

/// A directory with users alice and bob in group lab, hosts c1, c2 and c3, and pool communal of c1 and c2.
struct Fixture {
    static let time = Timestamp(milliseconds: 1_700_000_000_000)

    let folder: TemporaryFolder
    let directory: DirectoryStore

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        _ = try directory.addGroup("lab", at: Self.time)
        for name in ["alice", "bob"] {
            _ = try directory.addUser(NewUser(name, groups: ["lab"]), at: Self.time)
        }
        for (index, port) in [UInt16(22), 2_022, 22].enumerated() {
            try directory.addHost(
                "c\(index + 1)", address: "10.0.0.\(index + 1)", port: port, keys: [Self.key], at: Self.time)
        }
        try directory.addPool("communal", at: Self.time)
        try directory.join(["c1", "c2"], to: "communal")
    }

    private static let key = KeyMaterial(
        type: "ssh-ed25519", blob: [0, 0, 0, 1], fingerprint: "SHA256:\(String(repeating: "A", count: 43))")

    /// Makes the host an instance in that state.
    func setInstance(_ state: InstanceState, of host: String) throws {
        var change = HostChange()
        change.instance = HostInstance(id: "i-0000000\(host.suffix(1))", state: state)
        try directory.changeHost(host, change)
    }

    func grant(
        _ subject: GrantSubject, _ target: GrantTarget, _ rights: Rights = Rights(),
        requiring required: FurtherFactors = [], from networks: String = ""
    ) throws {
        try directory.addGrant(
            subject, to: target, rights, requiring: required, from: SourceNetworks(stored: networks),
            at: Self.time)
    }
}
