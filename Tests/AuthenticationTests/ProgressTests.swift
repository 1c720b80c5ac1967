import Authentication
import Configuration
import Support
import Testing

@Suite("What a connection has shown")
struct ProgressTests {
    @Test("holds for the first login name only")
    func names() {
        var progress = AuthenticationProgress()
        let taken = ["alice", "alice", "alice+gpu1", "bob", "", "alice"].map { progress.takes(login: $0) }
        #expect(taken == [true, true, false, false, false, true])
        #expect(progress.login == "alice")
    }

    @Test("keeps the first key, and counts nothing twice")
    func key() {
        var progress = AuthenticationProgress()
        progress.show(.init(blob: [1], clientVersion: "a"))
        progress.show(.init(blob: [2], clientVersion: "b"))
        #expect(progress.key?.blob == [1])
        progress.show(.code)
        progress.show(.code)
        #expect(progress.factors == [.publicKey, .code])
    }
}

@Suite("A grace window")
struct GraceWindowTests {
    private let start = MonotonicTime.now
    private let length = Duration.seconds(60)

    private func holder(
        _ user: UInt32 = 1, key: [UInt8] = [1], address: String = "192.0.2.1", enrolment: [UInt8] = [9]
    ) -> GraceWindows.Holder {
        GraceWindows.Holder(user: user, key: key, address: address, enrolment: enrolment)
    }

    @Test("is open for the same user, key, address and enrolment, and for no other")
    func bound() {
        var windows = GraceWindows()
        windows.note(holder(), at: start, length: length)
        #expect(windows.age(of: holder(), at: start + .seconds(5), length: length) == .seconds(5))
        let others = [
            holder(2), holder(key: [2]), holder(address: "192.0.2.2"), holder(enrolment: [8]),
        ]
        for other in others { #expect(windows.age(of: other, at: start, length: length) == nil) }
    }

    @Test("closes when its time is over, or when the configuration has made it shorter")
    func closes() {
        var windows = GraceWindows()
        windows.note(holder(), at: start, length: length)
        #expect(windows.age(of: holder(), at: start + .seconds(59), length: length) != nil)
        #expect(windows.age(of: holder(), at: start + .seconds(60), length: length) == nil)
        #expect(windows.age(of: holder(), at: start + .seconds(9), length: .seconds(9)) == nil)
        #expect(windows.age(of: holder(), at: start, length: .zero) == nil)
    }

    @Test("is never opened where there are none, and does not slide")
    func off() {
        var windows = GraceWindows()
        windows.note(holder(), at: start, length: .zero)
        #expect(windows.count == 0)
    }

    @Test("is one of so many at the most")
    func bounded() {
        var windows = GraceWindows(capacity: 3)
        for user in 1...9 {
            windows.note(holder(UInt32(user)), at: start + .seconds(user), length: length)
        }
        #expect(windows.count == 3)
        #expect(windows.age(of: holder(9), at: start + .seconds(10), length: length) != nil)
        #expect(windows.age(of: holder(1), at: start + .seconds(10), length: length) == nil)
    }
}
