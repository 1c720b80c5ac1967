import CReadAhead
import Glibc
import Support
import Testing

/// A pair of connected sockets that do not block.
private struct Pair {
    let reader: Descriptor
    let writer: Descriptor

    init() throws {
        var ends: [Int32] = [-1, -1]
        try SystemError.check(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends), "socketpair")
        (reader, writer) = (Descriptor(adopting: ends[0]), Descriptor(adopting: ends[1]))
        try reader.setNonBlocking(true)
        try writer.setNonBlocking(true)
    }

    func send(_ bytes: [UInt8]) -> Int { unsafe write(writer.number, bytes, bytes.count) }

    func receive(_ count: Int, flags: Int32 = 0) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe recv(reader.number, &bytes, count, flags)
        return got < 0 ? nil : Array(bytes.prefix(got))
    }

    /// What poll(2) says at once of the events asked for.
    func ready(_ events: Int32 = Int32(POLLIN)) -> Int32 {
        var entry = pollfd(fd: reader.number, events: Int16(events), revents: 0)
        let count = unsafe poll(&entry, 1, 0)
        #expect(count == (entry.revents == 0 ? 0 : 1))
        return Int32(entry.revents)
    }

    /// Others may be reading ahead at the moment.
    func readAhead(_ body: () throws -> Void) rethrows {
        while gh_read_ahead_begin(reader.number) == 0 { usleep(100) }
        defer { gh_read_ahead_end() }
        try body()
    }
}

@Suite("Reading ahead of libssh")
struct ReadAheadTests {
    @Test("gives every byte once, in order, in whatever pieces it comes and goes")
    func order() throws {
        let pair = try Pair()
        var sent: [UInt8] = []
        var received: [UInt8] = []
        for round in 0..<100 {
            let start = Int.random(in: 0...1_000_000)
            let piece = (start...start + Int.random(in: 0...40_000)).map { UInt8($0 % 251) }
            let count = pair.send(piece)
            if count > 0 { sent += piece.prefix(count) }
            if round % 5 == 0 {
                received += pair.receive(Int.random(in: 1...5_000)) ?? []
                continue
            }
            try pair.readAhead {
                repeat {
                    guard pair.ready() & Int32(POLLIN) != 0 else { break }
                    let count = round % 7 == 0 ? 300_000 : Int.random(in: 1...9_000)
                    received += try #require(pair.receive(count))
                } while gh_read_ahead_left() > 0
            }
        }
        while let rest = pair.receive(65_536) { received += rest }
        #expect(received.count > 500_000)
        #expect(received == sent)
    }

    @Test("tells poll(2) of what was read, and the truth of everything else")
    func polling() throws {
        let (pair, other) = (try Pair(), try Pair())
        #expect(pair.send([UInt8](repeating: 7, count: 5_000)) == 5_000)
        pair.readAhead {
            #expect(pair.receive(4_096)?.count == 4_096)
            #expect(gh_read_ahead_left() == 904)
            #expect(gh_read_ahead_was_full() == 0)
            #expect(pair.ready() == Int32(POLLIN))
            #expect(pair.ready(Int32(POLLIN | POLLOUT)) == Int32(POLLIN))
            #expect(pair.ready(Int32(POLLOUT)) == Int32(POLLOUT))
            #expect(other.ready() == 0)
            var both = [pair.reader, other.writer].map { descriptor in
                pollfd(fd: descriptor.number, events: Int16(POLLIN | POLLOUT), revents: 0)
            }
            #expect(unsafe poll(&both, 2, -1) == 2)
            #expect(both.map(\.revents) == [Int16(POLLIN | POLLOUT), Int16(POLLOUT)])
            #expect(other.receive(1) == nil && errno == EAGAIN)
            #expect(pair.receive(4_096)?.count == 904)
            #expect(pair.ready(Int32(POLLIN | POLLOUT)) == Int32(POLLOUT))
            #expect(pair.receive(4_096) == nil && errno == EAGAIN)
        }
    }

    @Test("tells of the end after what came before it")
    func end() throws {
        let pair = try Pair()
        #expect(pair.send([1, 2, 3]) == 3)
        pair.readAhead {
            #expect(pair.receive(1) == [1])
            #expect(shutdown(pair.writer.number, Int32(SHUT_WR)) == 0)
            #expect(pair.receive(9) == [2, 3])
            #expect(pair.receive(9) == [])
        }
    }

    @Test("is for one connection at a time, and leaves other ways of reading alone")
    func alone() throws {
        let (pair, other) = (try Pair(), try Pair())
        #expect(pair.send([1, 2, 3, 4]) == 4)
        #expect(other.send([5, 6, 7]) == 3)
        #expect(gh_read_ahead_begin(-1) == 0)
        pair.readAhead {
            #expect(gh_read_ahead_begin(other.reader.number) == 0)
            #expect(other.receive(1) == [5] && gh_read_ahead_left() == 0)
            #expect(pair.receive(2, flags: Int32(MSG_PEEK)) == [1, 2] && gh_read_ahead_left() == 0)
            #expect(pair.receive(1) == [1] && gh_read_ahead_left() == 3)
        }
        // A connection that is given up leaves nothing to the next one, which may have its number.
        #expect(pair.receive(4) == nil)
        #expect(other.receive(4) == [6, 7])
    }
}
