import Audit
import Commands
import Control
import Directory
import Sharing
import Support
import Testing

@Suite("Commands for trees, watchers and shares")
struct TreeVerbTests {
    private let gateway: Gateway

    init() throws {
        gateway = try Gateway()
    }

    private func answer(_ report: String, status: Int32 = 0) {
        gateway.daemon.state.withLock {
            $0.answers.append(
                (status, #"{"schema":1,"errors":[],"changed":false,"remarks":[],"# + report + "}"))
        }
    }

    private var steps: [String] { gateway.daemon.state.withLock { $0.steps } }

    @Test("a tree is where its group may go, and is made there")
    func treeAdd() throws {
        answer(#""made":true"#, status: 10)
        let text = gateway.output(of: "tree add /shared/lab --group lab")
        #expect(text == "HOST       RESULT  REMARK\ncommunal1  made    -\n")
        let tree = try gateway.services.directory.tree("/shared/lab")
        #expect(tree.targets == ["communal"])
        #expect(steps.count == 1 && steps[0].contains(#""action":"tree""#))
        #expect(try gateway.changes().last?["group"] == "lab")
        #expect(gateway.output(of: "tree list").contains("/shared/lab  lab    communal1  communal1"))
        #expect(gateway.output(of: "tree show /shared/lab").contains("members:     alice, bob"))
    }

    @Test("a tree that cannot be made is not known afterwards")
    func treeConflict() throws {
        gateway.daemon.state.withLock {
            $0.answers.append((20, #"{"schema":1,"errors":["it belongs to the group 7"]}"#))
        }
        let terminal = Transcript()
        #expect(gateway.run("tree add /shared/lab --group lab", on: terminal) == .failure)
        #expect(terminal.errors == "gatehouse: tree add: communal1: it belongs to the group 7\n")
        #expect(try gateway.services.directory.trees() == [])
    }

    @Test("a group without a grant needs to be told where its tree is")
    func treeNowhere() throws {
        _ = try gateway.services.directory.addGroup("ops")
        #expect(gateway.run("tree add /ops --group ops") == .failure)
        #expect(gateway.run("tree add /ops") == .usage)
        #expect(gateway.run("tree add /ops --group ops --on communal1") == .success)
        #expect(gateway.run("tree set /ops --on communal --scan communal1") == .success)
        #expect(gateway.run("tree apply /ops") == .success)
        #expect(gateway.run("tree remove /ops --yes") == .success)
        #expect(gateway.run("tree show /ops") == .notFound)
    }

    @Test("an installed watcher has a key, and its trees follow")
    func watchInstall() throws {
        _ = gateway.output(of: "tree add /shared/lab --group lab")
        answer(#""key":"\#(Gateway.key(7))","done":["key"]"#, status: 10)
        answer(#""done":["program","started watch"]"#, status: 10)
        let text = gateway.output(of: "watch install communal1 --gateway 10.0.0.1:2222")
        #expect(text.contains("communal1  installed  key, program, started watch"))
        #expect(
            try gateway.services.directory.watchKey(of: "communal1")?.material == Gateway.material(7))
        let prepared = steps.dropLast().last
        #expect(prepared?.contains(#"Gateway 10.0.0.1:2222\n"#) == true)
        #expect(prepared?.contains(#"Tree \/shared\/lab\nScan \/shared\/lab\n"#) == true)
        // A new tree is told to the watcher.
        _ = gateway.output(of: "tree add /more --group lab")
        #expect(steps.last?.contains(#""action":"trees""#) == true)
    }

    @Test("what cannot be an address for hosts is not guessed")
    func watchInstallLoopback() {
        let terminal = Transcript()
        #expect(gateway.run("watch upgrade communal1", on: terminal) == .notFound)
        #expect(terminal.errors.contains("hint: gatehouse watch install communal1"))
        #expect(gateway.run("watch install communal1 --spool-limit 5") == .usage)
    }

    @Test("where only Session Manager leads the gateway fetches, unless it is told where hosts reach it")
    func watchInstallFetched() throws {
        #expect(gateway.run("watch install communal1 --fetch --gateway 10.0.0.1") == .usage)
        var change = HostChange()
        change.transport = .ssm
        change.instance = HostInstance(id: "i-0123456789abcdef0", region: "eu-central-1")
        _ = try gateway.services.directory.changeHost("communal1", change)
        let terminal = Transcript()
        for way in ["fetched", "brought"] {
            answer(#""key":"\#(Gateway.key(7))","done":["key"]"#, status: 10)
            // The program is brought to who cannot fetch it.
            if way == "fetched" { answer("\"x\":0") }
            answer(#""done":["program"]"#, status: 10)
            let words = way == "fetched" ? "" : " --gateway 10.0.0.1:22"
            let text = gateway.output(of: "watch install communal1 --json" + words)
            #expect(text.contains(#""way": "\#(way)""#))
            #expect(try gateway.changes().last?["way"] == way)
            #expect(try gateway.services.directory.watchKeys().map(\.isFetched) == [way == "fetched"])
            #expect(gateway.output(of: "watch status --json").contains(#""way": "\#(way)""#))
        }
        #expect(steps.contains { $0.contains(#"Fetched yes\n"#) && $0.contains("fetch_line") })
        #expect(gateway.run("watch install communal1", on: terminal) != .success)
        #expect(
            terminal.errors.contains("communal1: only Session Manager leads there, so the gateway fetches"))
        gateway.daemon.state.withLock {
            $0.watchers["communal1"] = WatcherReport(
                isConnected: false, version: nil, lastHeard: nil, lastTaken: nil, status: nil,
                fetchFailure: "no\u{1B}way")
        }
        #expect(
            gateway.output(of: "watch status").contains(#"communal1: nothing can be fetched: no\u{1B}way"#))
    }

    @Test("the status tells watchers apart that watch, that are silent and that are not there")
    func watchStatus() throws {
        #expect(gateway.output(of: "watch status").contains("communal1  none"))
        try gateway.services.directory.setWatchKey(Gateway.material(7), of: "communal1", at: Gateway.now)
        #expect(gateway.output(of: "watch status").contains("communal1  silent"))
        gateway.daemon.state.withLock {
            $0.watchers["communal1"] = WatcherReport(
                isConnected: true, version: "9.9", lastHeard: Gateway.now, lastTaken: nil,
                status: WatcherStatus(isWatching: true, events: 5, gaps: 1, spoolBytes: 7, spoolSegments: 2))
        }
        let text = gateway.output(of: "watch status")
        #expect(text.contains("communal1  watching  9.9"))
        #expect(text.contains("2 segments, 7 bytes  5       1"))
        #expect(gateway.output(of: "watch status --json").contains(#""gaps": 1"#))
        answer(
            #""version":"gatehouse-watch 9.9","services":{"ship":"active","watch":"failed"},"waiting":3,"pam":true"#
        )
        #expect(
            gateway.output(of: "watch status communal1 --ask")
                .contains("communal1 says: gatehouse-watch 9.9, ship active, watch failed, 3 segments wait"))
    }

    @Test("a watcher is removed with its key, also where the host is gone")
    func watchRemove() throws {
        try gateway.services.directory.setWatchKey(Gateway.material(7), of: "communal1", at: Gateway.now)
        answer(#""left":2"#)
        let terminal = Transcript()
        #expect(gateway.run("watch remove communal1 --yes", on: terminal) == .success)
        #expect(terminal.errors == "2 segments were not delivered and are lost\n")
        #expect(try gateway.services.directory.watchKeys() == [])
        #expect(gateway.run("watch remove communal1 --forget --yes") == .notFound)
    }

    private static let shared = #""owner":20001,"inode":42,"reads":true,"writes":false,"count":1"#

    @Test("people share what is theirs, and see their shares")
    func share() throws {
        _ = gateway.output(of: "tree add /shared/lab --group lab")
        answer(Self.shared, status: 10)
        #expect(
            gateway.output(of: "file share /shared/lab/f bob --until 2h", as: Gateway.alice)
                == "bob reads /shared/lab/f, until \(Gateway.now + .seconds(7_200))\n")
        let step = try #require(steps.last)
        let uid = try gateway.services.directory.user("alice").uid
        #expect(step.contains(#""caller":\#(uid)"#) && step.contains(#""write":false"#))
        #expect(gateway.output(of: "file shares").contains("/shared/lab/f"))
        let bob = Caller.user(name: "bob", role: .user, session: "s", address: "a")
        #expect(gateway.output(of: "file shares", as: bob).contains("/shared/lab/f"))
        #expect(gateway.run("file unshare /shared/lab/f bob", as: bob) == .notFound)
        #expect(gateway.run("file unshare /shared/lab/f bob", as: Gateway.alice) == .success)
        #expect(!gateway.output(of: "file shares").contains("/shared/lab/f"))
        let kinds = try gateway.services.events.events(EventQuery(user: "alice")).map(\.event.kind)
        #expect(kinds.contains("file.shared") && kinds.contains("file.unshared"))
    }

    @Test("an administrator shares everything, and what is in no tree is not shared")
    func shareElsewhere() {
        #expect(gateway.run("file share /etc/passwd bob") == .notFound)
        #expect(gateway.run("file share relative bob") == .usage)
        _ = gateway.output(of: "tree add /shared/lab --group lab")
        #expect(gateway.run("file share /shared/lab/f nobody-there") == .notFound)
        answer(Self.shared, status: 10)
        #expect(gateway.run("file share /shared/lab/f lab --write") == .success)
        #expect(steps.last?.contains(#""caller":null"#) == true)
    }

    @Test("a transfer shows its plan, is done in the end, and can be undone once")
    func transfer() throws {
        _ = gateway.output(of: "tree add /shared/lab --group lab")
        let bob = try gateway.services.directory.user("bob").uid
        gateway.daemon.state.withLock {
            $0.files[bob] = ["a/one", "a/two", "b/three"].map {
                TransferItem(tree: "/shared/lab", path: Array($0.utf8))
            }
        }
        let plan = gateway.output(of: "file transfer --from bob --to alice /shared/lab/a --plan")
        #expect(plan == "2 files of bob would be alice's\nFILES  FOLDER\n2      /shared/lab/a\n")
        #expect(gateway.run("file transfer --from bob --to alice") == .usage)
        let items = #""items":[{"gid":1,"inode":1},{"gid":1,"inode":2},{"why":"it belongs to uid 3 now"}]"#
        answer(items)
        answer(#""items":[{"gid":1,"inode":1},{"gid":1,"inode":2}]"#, status: 10)
        let text = gateway.output(of: "file transfer --from bob --to alice --yes")
        #expect(text.contains("2 files are alice's now\nnot /shared/lab/b/three: it belongs to uid 3 now\n"))
        #expect(text.contains("'gatehouse file transfer --undo 1' gives them back"))
        answer(#""items":[{"gid":1,"inode":1},{"gid":1,"inode":2}]"#, status: 10)
        #expect(gateway.output(of: "file transfer --undo 1 --yes") == "2 files were given back\n")
        #expect(gateway.run("file transfer --undo 1 --yes") == .failure)
        #expect(gateway.run("file transfer --undo 7 --yes") == .notFound)
    }
}
