import Control
import Glibc
import Relay
import Support
import Testing

@Suite("Daemon link")
struct DaemonLinkTests {
    @Test("requests are sent one at a time and answered in order")
    func answersInOrder() throws {
        let (mine, theirs) = try MessageSocket.pair()
        let link = DaemonLink(mine)
        var answers: [String] = []
        link.ask(.hostReady) { _ in answers.append("first") }
        link.ask(.jump(host: "communal1", port: 22)) { _ in answers.append("second") }

        #expect(try SessionRequest(decoding: #require(try theirs.receive()).message) == .hostReady)
        try theirs.send(SessionReply.noted.encoded)
        link.receive()
        #expect(answers == ["first"])

        #expect(
            try SessionRequest(decoding: #require(try theirs.receive()).message)
                == .jump(host: "communal1", port: 22))
        try theirs.send(SessionReply.notAJump.encoded)
        link.receive()
        #expect(answers == ["first", "second"])
    }

    @Test("descriptors that come with an answer arrive with it")
    func passesDescriptors() throws {
        let (mine, theirs) = try MessageSocket.pair()
        let link = DaemonLink(mine)
        var received: [Descriptor] = []
        link.ask(.jump(host: "communal1", port: 22)) { received = $0.descriptors }
        let pipe = try Descriptor.pipe()
        try theirs.send(SessionReply.joined(place: "h1:22").encoded, with: [pipe.write])
        link.receive()
        try #require(received.count == 1)
        try received[0].writeAll(Array("over there".utf8))
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(try pipe.read.read(into: &buffer) == 10)
    }

    @Test("when the daemon goes, what waits is refused and the link says so")
    func survivesTheDaemon() throws {
        var replies: [SessionReply] = []
        let link: DaemonLink
        do {
            let (mine, theirs) = try MessageSocket.pair()
            link = DaemonLink(mine)
            link.ask(.hostReady) { replies.append($0.reply) }
            link.ask(.hostReady) { replies.append($0.reply) }
            theirs.shutDown()
        }
        link.receive()
        #expect(!link.isAlive)
        link.ask(.hostReady) { replies.append($0.reply) }
        #expect(replies.count == 3)
        for reply in replies {
            guard case .refused = reply else {
                Issue.record("not refused: \(reply)")
                continue
            }
        }
    }

    @Test("an answer that is no answer ends the link", arguments: [[0xFF], [], [6, 0, 0]] as [[UInt8]])
    func distrustsGarbage(_ bytes: [UInt8]) throws {
        let (mine, theirs) = try MessageSocket.pair()
        let link = DaemonLink(mine)
        link.ask(.hostReady) { _ in }
        if bytes.isEmpty { theirs.shutDown() } else { try theirs.send(bytes) }
        link.receive()
        #expect(!link.isAlive)
    }

    @Test("a request that is too long is refused and the link goes on")
    func refusesLongRequests() throws {
        let (mine, theirs) = try MessageSocket.pair()
        let link = DaemonLink(mine)
        var replies: [SessionReply] = []
        let host = String(repeating: "h", count: MessageSocket.messageLimit)
        link.ask(.jump(host: host, port: 22)) { replies.append($0.reply) }
        #expect(replies == [.refused(reason: "the request is too long")])
        link.ask(.hostReady) { replies.append($0.reply) }
        #expect(try SessionRequest(decoding: #require(try theirs.receive()).message) == .hostReady)
        #expect(link.isAlive)
    }

    @Test("news of the journal is not queued twice")
    func foldsJournalNews() throws {
        let (mine, theirs) = try MessageSocket.pair()
        let link = DaemonLink(mine)
        for _ in 0..<100 { link.noteJournalGrowth() }
        var requests = 0
        for _ in 0..<2 {
            _ = try theirs.receive()
            requests += 1
            try theirs.send(SessionReply.noted.encoded)
            link.receive()
        }
        try theirs.descriptor.setNonBlocking(true)
        #expect(throws: SystemError.self) { _ = try theirs.receive() }
        #expect(requests == 2)
    }
}

@Suite("Journal")
struct JournalTests {
    @Test("a journal that cannot be written says so")
    func noticesFailure() throws {
        let pipe = try Descriptor.pipe()
        let journal = Journal(pipe.read)
        journal.append(.ended(reason: "test"))
        #expect(journal.hasFailed)
    }

    @Test("records arrive whole and in order, and their growth is told")
    func writesRecords() throws {
        let pipe = try Descriptor.pipe()
        let journal = Journal(pipe.write)
        var growth = 0
        journal.onGrowth = { growth += 1 }
        journal.append(.channelOpened(kind: "exec", detail: "id"))
        journal.append(.ended(reason: "test"))
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = try pipe.read.read(into: &buffer)
        let (records, consumed) = try JournalRecord.decode(Array(buffer[..<count]))
        #expect(
            records.map(\.record) == [.channelOpened(kind: "exec", detail: "id"), .ended(reason: "test")])
        #expect(consumed == count)
        #expect(growth == 2)
    }
}
