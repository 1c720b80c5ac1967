import Digests
import FileTransfers
import Support
import Testing

@Suite("SFTP from beside")
struct SFTPTrailTests {
    private func made(_ build: (inout SFTPStream) -> Void) -> SFTPStream {
        var stream = SFTPStream()
        stream.start()
        build(&stream)
        return stream
    }

    private func operation(_ kind: FileOperation.Kind, _ path: String, _ result: String = "ok")
        -> FileOperation
    {
        FileOperation(kind, path: Array(path.utf8), result: result)
    }

    @Test(
        "a file that is written is told when the host has closed it, with the hash of its bytes",
        arguments: [1, 3, 7, 50, .max])
    func upload(pieces: Int) {
        let text = String(repeating: "0123456789", count: 50)
        let stream = made {
            $0.open("/shared/a", 0x1A)
            $0.write(text, at: 0)
            $0.write("end", at: 500)
            $0.close()
        }
        var wanted = operation(.write, "/shared/a")
        wanted.bytesWritten = 503
        wanted.digest = SHA256.hash(Array((text + "end").utf8))
        #expect(stream.followed(pieces: pieces).operations == [wanted])
        wanted.digest = []
        let (operations, trail) = stream.followed(wantsDigests: false, pieces: pieces)
        #expect(operations == [wanted] && trail.trouble == nil && trail.end() == [])
    }

    @Test("a file that is read likewise", arguments: [1, 5, .max])
    func download(pieces: Int) {
        let stream = made {
            $0.open("data", 1)
            $0.read("hello ", at: 0)
            $0.read("world", at: 6)
            $0.client(5) {
                $0.uint32(5)
                $0.string("h")
                $0.uint64(11)
                $0.uint32(32_768)
            }
            $0.status(5, 1)
            $0.close()
        }
        var wanted = operation(.read, "data")
        wanted.bytesRead = 11
        wanted.digest = SHA256.hash(Array("hello world".utf8))
        #expect(stream.followed(pieces: pieces).operations == [wanted])
    }

    @Test("what does not pass in order, twice, or both ways has no hash")
    func noHash() {
        let gap = made {
            $0.open("f", 2)
            $0.write("b", at: 1)
            $0.write("a", at: 0)
            $0.close()
        }
        let refused = made {
            $0.open("f", 2)
            $0.write("a", at: 0)
            $0.write("b", at: 1, status: 4)
            $0.close()
        }
        let both = made {
            $0.open("f", 3)
            $0.write("a", at: 0)
            $0.read("a", at: 0)
            $0.close()
        }
        for stream in [gap, refused, both] {
            let operations = stream.followed().operations
            #expect(operations.count == 1 && operations[0].digest.isEmpty)
        }
        #expect(refused.followed().operations[0].result == "failure")
        #expect(refused.followed().operations[0].bytesWritten == 1)
        #expect(both.followed().operations[0].bytesRead == 1)
    }

    @Test("bytes that are sent for a handle before the host has named it are counted")
    func guessedHandle() {
        let stream = made {
            $0.client(3) {
                $0.uint32(1)
                $0.string("f")
                $0.uint32(2)
                $0.uint32(0)
            }
            $0.client(6) {
                $0.uint32(2)
                $0.string("h")
                $0.uint64(0)
                $0.string("secret")
            }
            $0.host(102) {
                $0.uint32(1)
                $0.string("h")
            }
            $0.status(2, 0)
            $0.close()
        }
        let operations = stream.followed().operations
        #expect(operations.map(\.bytesWritten) == [6] && operations[0].digest.isEmpty)
    }

    @Test("what is done in one step, and what came of it")
    func steps() {
        let stream = made {
            $0.change(13, "/r")
            $0.change(13, "/r", status: 2)
            $0.change(15, "/d", status: 3)
            $0.change(18, "/a", "/b")
            $0.change(20, "target", "link")
            $0.change(200, "posix-rename@openssh.com", "/c", "/d")
            $0.change(200, "hardlink@openssh.com", "/old", "/new")
            $0.change(200, "fsync@openssh.com", "h")
            $0.change(200, "wipe@example.com", "/all", status: 8)
            $0.client(14) {
                $0.uint32(9)
                $0.string("/m")
                $0.uint32(0)
            }
            $0.status(9, 77)
        }
        var rename = operation(.rename, "/a")
        rename.other = Array("/b".utf8)
        var symlink = operation(.symlink, "link")
        symlink.other = Array("target".utf8)
        var second = operation(.rename, "/c")
        second.other = Array("/d".utf8)
        var link = operation(.link, "/new")
        link.other = Array("/old".utf8)
        #expect(
            stream.followed().operations == [
                operation(.remove, "/r"), operation(.remove, "/r", "no such file"),
                operation(.removeDirectory, "/d", "permission denied"), rename, symlink, second, link,
                operation(.unknown, "wipe@example.com", "operation unsupported"),
                operation(.makeDirectory, "/m", "status 77"),
            ])
    }

    @Test("attributes are told, those of an open file with it")
    func attributes() {
        let stream = made {
            $0.client(9) {
                $0.uint32(5)
                $0.string("/x")
                $0.uint32(0xF)
                $0.uint64(7)
                $0.uint32(1_000)
                $0.uint32(100)
                $0.uint32(0o100644)
                $0.uint32(0)
                $0.uint32(86_400)
            }
            $0.status(5, 0)
            $0.open("/y", 2)
            $0.client(10) {
                $0.uint32(6)
                $0.string("h")
                $0.uint32(4)
                $0.uint32(0o600)
            }
            $0.status(6, 0)
            $0.close()
        }
        let told = stream.followed().operations.map { "\($0.kind.rawValue) \($0.attributes)" }
        #expect(
            told == [
                "attributes size=7 owner=1000:100 mode=0644 modified=1970-01-02T00:00:00Z",
                "write mode=0600",
            ])
    }

    @Test("a copy within the host names what it was made from")
    func copied() {
        let stream = made {
            $0.open("/from", 1, handle: "a")
            $0.open("/to", 0x1A, handle: "b")
            // OpenSSH's server says that the file was at its end when it has copied less than it was to.
            $0.copy("a", "b")
            $0.status(7, 1)
            $0.copy("a", "nobody's")
            $0.status(7, 4)
            $0.close(handle: "b")
            $0.copy("b", "a")
        }
        var copy = operation(.copy, "/to", "end of file")
        copy.other = Array("/from".utf8)
        let (operations, trail) = stream.followed(wantsDigests: false)
        #expect(operations == [copy, operation(.write, "/to")])
        let rest = [
            operation(.copy, "/from", FileOperation.cut), operation(.read, "/from", FileOperation.cut),
        ]
        #expect(trail.end().sorted { $0.kind.rawValue < $1.kind.rawValue } == rest)
    }

    @Test("files that cannot be opened, and what was under way at the end")
    func ends() {
        let stream = made {
            $0.client(3) {
                $0.uint32(1)
                $0.string("/secret")
                $0.uint32(1)
                $0.uint32(0)
            }
            $0.status(1, 3)
            $0.open("/half", 2)
            $0.write("ab", at: 0)
            $0.client(13) {
                $0.uint32(8)
                $0.string("/doomed")
            }
            $0.client(10) {
                $0.uint32(10)
                $0.string("h")
                $0.uint32(4)
                $0.uint32(0o777)
            }
            // All in one go, by somebody who never reads an answer.
            $0.client(3) {
                $0.uint32(11)
                $0.string("/unseen")
                $0.uint32(0x1A)
                $0.uint32(0)
            }
        }
        let (operations, trail) = stream.followed()
        #expect(operations == [operation(.read, "/secret", "permission denied")])
        var mode = operation(.attributes, "/half", FileOperation.cut)
        mode.attributes = "mode=0777"
        var half = operation(.write, "/half", FileOperation.cut)
        half.bytesWritten = 2
        half.digest = SHA256.hash(Array("ab".utf8))
        let rest = trail.end()
        #expect(rest.count == 4 && rest.first == operation(.remove, "/doomed", FileOperation.cut))
        #expect(rest.contains(half) && rest.contains(mode))
        #expect(rest.last == operation(.write, "/unseen", FileOperation.cut))
        #expect(trail.end() == [])
    }

    @Test("what is no SFTP ends the trail and says whose fault it is")
    func trouble() {
        let trail = SFTPTrail(wantsDigests: false)
        #expect(trail.take(Array("Welcome to this host\n".utf8)[...], from: .host) == [])
        #expect(trail.trouble == "the host sent a message of 1466264675 bytes")
        #expect(trail.take([0, 0, 0, 5, 13, 0, 0, 0, 1], from: .client) == [])
        let twice = made {
            $0.client(13) {
                $0.uint32(8)
                $0.string("a")
            }
            $0.client(13) {
                $0.uint32(8)
                $0.string("b")
            }
        }
        let (told, ended) = twice.followed()
        #expect(
            ended.trouble?.hasPrefix("the client sent two requests of the same number: type 13, ") == true)
        // The first one was taken by the host, as far as anybody knows; the second one is in the reason.
        #expect(told.map(\.kind) == [.remove] && ended.end() == [])
        let unasked = made { $0.status(8, 0) }
        #expect(unasked.followed().trail.trouble == "the host sent an answer to nothing")
        let odd = made { $0.client(99) { $0.uint32(1) } }
        #expect(odd.followed().trail.trouble?.contains("type 99") == true)
        let hiding = made {
            $0.open("/secret", 1)
            $0.read("all of it", at: 0)
            $0.client(99) { $0.uint32(1) }
        }
        #expect(hiding.followed().operations.map(\.bytesRead) == [9])
    }

    @Test("a request that ends before its fields is not taken for another one")
    func short() {
        let stream = made {
            $0.client(3) {
                $0.uint32(1)
                $0.string("/truncated")
            }
        }
        let trouble = stream.followed().trail.trouble ?? ""
        #expect(trouble.contains("ends too early") && trouble.contains("/truncated"))
        let path = made {
            $0.client(13) {
                $0.uint32(1)
                $0.uint32(100)
                $0.raw(Array("/no".utf8))
            }
        }
        #expect(path.followed().trail.trouble?.contains("/no") == true)
    }

    @Test("what was set of an open file is told apart where it was refused, or was not the last")
    func handleAttributes() {
        func set(_ stream: inout SFTPStream, mode: UInt32, status: UInt32) {
            stream.client(10) {
                $0.uint32(6)
                $0.string("h")
                $0.uint32(4)
                $0.uint32(mode)
            }
            stream.status(6, status)
        }
        let stream = made {
            $0.open("/y", 1)
            set(&$0, mode: 0o666, status: 3)
            set(&$0, mode: 0o4777, status: 0)
            set(&$0, mode: 0o755, status: 0)
            $0.close()
        }
        #expect(
            stream.followed().operations.map { "\($0.kind.rawValue) \($0.attributes) \($0.result)" } == [
                "attributes mode=0666 permission denied", "attributes mode=0755 ok", "read mode=04777 ok",
            ])
    }

    @Test("no hash is of bytes that the host did not take, or of others than it took")
    func forgedHash() {
        let evil = made {
            $0.client(3) {
                $0.uint32(1)
                $0.string("f")
                $0.uint32(0x1A)
                $0.uint32(0)
            }
            // Before the handle is known, so nobody hashes it.
            $0.client(6) {
                $0.uint32(2)
                $0.string("h")
                $0.uint64(0)
                $0.string("evil")
            }
            $0.host(102) {
                $0.uint32(1)
                $0.string("h")
            }
            $0.status(2, 0)
            $0.client(4) {
                $0.uint32(4)
                $0.string("h")
            }
            // After the end, so the host refuses it.
            $0.client(6) {
                $0.uint32(5)
                $0.string("h")
                $0.uint64(0)
                $0.string("good")
            }
            $0.status(4, 0)
            $0.status(5, 4)
        }
        #expect(evil.followed().operations.map(\.bytesWritten) == [4])
        #expect(evil.followed().operations.allSatisfy { $0.digest.isEmpty })
        let padded = made {
            $0.open("f", 0x1A)
            $0.client(6) {
                $0.uint32(2)
                $0.string("h")
                $0.uint64(0)
                $0.uint32(2)
                $0.raw(Array("okay".utf8))
            }
            $0.status(2, 0)
            $0.close()
        }
        #expect(padded.followed().operations.map(\.digest) == [SHA256.hash(Array("ok".utf8))])
    }

    @Test("paths beyond all limits are cut, and requests that nobody answers are not kept without end")
    func limits() {
        let long = String(repeating: "x", count: 100_000)
        let stream = made { $0.change(13, long, status: 4) }
        let operations = stream.followed(pieces: 1_000).operations
        #expect(
            operations.count == 1 && operations[0].path.count > 4_096 && operations[0].path.count < 16_384)
        let flood = made { stream in
            for number in 0..<20_000 {
                stream.client(13) {
                    $0.uint32(UInt32(number))
                    $0.string("/some/file")
                }
            }
        }
        let (told, ended) = flood.followed()
        #expect(
            ended.trouble?.hasPrefix("the client sent more requests and files to open than can be followed")
                == true)
        #expect(told.count > 10_000 && told.count < 20_000)
    }

    @Test("no change of a byte makes it trap, and it always comes to an end")
    func mutations() {
        let stream = made {
            $0.open("/shared/a", 0x1A)
            $0.write("text", at: 0)
            $0.change(18, "/a", "/b")
            $0.copy("h", "h")
            $0.status(7, 0)
            $0.read("more", at: 4)
            $0.close()
        }
        let (operations, whole) = stream.followed()
        #expect(whole.trouble == nil && operations.map(\.kind) == [.rename, .copy, .write])
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<3_000 {
            let trail = SFTPTrail(wantsDigests: true)
            for (peer, bytes) in stream.parts {
                var changed = bytes
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                _ = trail.take(changed[...], from: peer)
            }
            _ = trail.end()
            #expect(trail.end() == [])
        }
    }
}
