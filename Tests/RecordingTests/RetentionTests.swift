import Recording
import Support
import Testing

@Suite("Which recordings go")
struct RetentionTests {
    private let sessions = ["alice": SessionID(), "bob": SessionID()]
    private let now = Timestamp(milliseconds: 10 * 86_400_000)

    private func item(
        _ channel: Int, _ bytes: UInt64, day: Int64, of user: String = "alice", isLive: Bool = false
    ) throws -> RecordingRetention.Item {
        RecordingRetention.Item(
            name: RecordingName(session: try #require(sessions[user]), channel: channel), byteCount: bytes,
            time: Timestamp(milliseconds: day * 86_400_000), isLive: isLive)
    }

    private func gone(
        _ items: [RecordingRetention.Item], days: Int = 0, space: UInt64 = 0
    ) -> [Int] {
        RecordingRetention(age: .seconds(days * 86_400), space: space).expired(items, at: now) { session in
            sessions.first { $0.value == session }?.key ?? ""
        }.map { $0.item.name.channel }
    }

    @Test("old ones go, then the oldest until the rest has room; what is being written stays, and counts")
    func order() throws {
        let items = [try item(3, 10, day: 8), try item(1, 10, day: 1), try item(2, 10, day: 5)]
        #expect(gone(items) == [])
        #expect(gone(items, days: 6) == [1])
        #expect(gone(items, space: 20) == [1])
        #expect(gone(items, days: 6, space: 20) == [1])
        #expect(gone(items, space: 1) == [1, 2, 3])
        let live = try item(4, 5, day: 0, isLive: true)
        #expect(gone(items + [live], space: 20) == [1, 2])
        #expect(gone(items + [live], days: 6) == [1])
        #expect(gone(items + [live], space: 1) == [1, 2, 3])
    }

    @Test("who fills the room pushes out what there is of oneself, and nothing of others")
    func fairness() throws {
        let evidence = try item(1, 30, day: 1, of: "bob")
        let flood = try (2...9).map { try item($0, 20, day: 5) }
        #expect(gone([evidence] + flood, space: 100) == [2, 3, 4, 5, 6])
        // The share decides, not the age.
        #expect(gone([evidence] + flood, space: 55) == [2, 3, 4, 5, 6, 7, 8])
        #expect(gone([evidence] + flood, space: 25) == [2, 3, 4, 5, 6, 7, 8, 1])
        // What is being written cannot go, and nobody else's goes for it.
        let writing = try (2...9).map { try item($0, 20, day: 5, isLive: true) }
        #expect(gone([evidence] + writing, space: 100) == [])
        #expect(gone([evidence] + writing + [try item(10, 1, day: 9)], space: 100) == [10])
    }
}
