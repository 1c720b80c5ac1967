import Shipping
import Support
import Testing

@Suite("Settings of a watcher")
struct WatchSettingsTests {
    private func read(_ text: String) throws -> WatchSettings { try WatchSettings(Array(text.utf8)) }

    @Test("everything is read, and what is left out has its default")
    func whole() throws {
        let settings = try read(
            """
            # written by a program
            Host communal1
            Gateway [fd00::1]:2222
            Tree /shared/lab
            Tree /shared/with blanks
            Scan /shared/lab

            SpoolLimit 1000
            OnlyMountNamespace yes
            """)
        var wanted = WatchSettings(host: "communal1", gateway: TCPAddress(host: "fd00::1", port: 2_222))
        wanted.trees = ["/shared/lab", "/shared/with blanks"]
        wanted.scannedTrees = ["/shared/lab"]
        wanted.spoolLimit = 1_000
        wanted.isOnlyMountNamespace = true
        #expect(settings == wanted)
        #expect(settings.spool == "/var/spool/gatehouse-watch")
    }

    @Test("a host that is fetched from has no gateway")
    func fetched() throws {
        let settings = try read("Host h\nFetched yes\nTree /t\n")
        #expect(settings.gateway == nil && settings.trees == ["/t"])
        #expect(try read("Host h\nFetched no\nGateway g:22\n").gateway?.host == "g")
    }

    @Test(
        "what cannot be is refused",
        arguments: [
            "", "Host h", "Gateway g:22", "Host h\nGateway g", "Host h\nGateway g:0", "Host h\nGateway -oX:1",
            "Host h\nGateway :22", "Host h\nGateway g:22\nTree shared", "Host h\nGateway g:22\nSpoolLimit x",
            "Host h\nGateway g:22\nNonsense 1", "Host h\nGateway g:22\nTree", "Host h\u{7}\nGateway g:22",
            "Host h\nFetched no", "Host h\nFetched maybe\nGateway g:22",
            "Host h\nFetched yes\nGateway g:22",
            "Host h\nGateway g:22\nOnlyMountNamespace maybe", "Host h\nGateway a b:22",
        ])
    func bad(_ text: String) {
        #expect(throws: WatchSettingsError.self) { try read(text) }
    }

    @Test("changed bytes never crash")
    func mutations() {
        let text = Array(
            "Host communal1\nGateway [fd00::1]:2222\nTree /shared/lab\nFetched no\nSpoolLimit 1000\n".utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var changed = text
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            _ = try? WatchSettings(
                Array(changed.prefix(Int.random(in: 0...changed.count, using: &generator))))
        }
    }
}
