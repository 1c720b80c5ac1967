import Scanner
import Support
import TestSupport
import Testing

@Suite("How a file system is walked")
struct PlanTests {
    private static let nfs: Int64 = 0x6969

    private let table = bytes(
        """
        22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
        40 22 0:50 / /shared rw,relatime shared:7 - nfs4 fs-1.efs.example:/ rw,vers=4.1,rsize=1048576,wsize=1048576,namlen=255,hard,noresvport,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.0.0.7,local_lock=none,addr=10.0.0.9
        41 22 0:51 /exports/lab /srv/the\\040lab rw - nfs 10.0.0.9:/exports rw,vers=3,proto=udp,mountport=20048,port=2050
        42 22 0:52 / /shared/fuse rw - fuse.sshfs me@there: rw

        """)

    @Test("on this machine's disks nothing is mounted")
    func local() {
        #expect(FileSystemPlan.deciding(bytes("/home"), kind: 0xEF53, table: table) == .local)
        #expect(FileSystemPlan.local.threads < FileSystemPlan.remote.threads)
    }

    @Test(
        "on NFS a mount of its own is made over the one that is there, with what it needs to reach the server"
    )
    func fresh() throws {
        guard
            case .freshMount(let mount) = FileSystemPlan.deciding(
                bytes("/shared/lab/x"), kind: Self.nfs, table: table)
        else {
            Issue.record("no mount")
            return
        }
        #expect(
            try mount.arguments() == [
                "-n", "-t", "nfs4", "-o",
                "ro,nosharecache,vers=4.1,rsize=1048576,hard,noresvport,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.0.0.7",
                "--", "fs-1.efs.example:/", "/shared",
            ])
        #expect(mount.treePath == bytes("/shared/lab/x"))
        #expect((16...64).contains(FileSystemPlan.freshMount(mount).threads))
    }

    @Test("of a part of an export the whole is mounted, and the part is found in it")
    func part() throws {
        guard
            case .freshMount(let mount) = FileSystemPlan.deciding(
                bytes("/srv/the lab/a"), kind: Self.nfs, table: table)
        else {
            Issue.record("no mount")
            return
        }
        #expect(mount.treePath == bytes("/srv/the lab/exports/lab/a"))
        #expect(try mount.arguments().contains("ro,nosharecache,vers=3,proto=udp,mountport=20048,port=2050"))
    }

    @Test(
        "other servers are asked through the mount that is there",
        arguments: [0x6573_5546, 0xFF53_4D42, 0x0BD0_0BD0])
    func remote(_ kind: Int64) {
        #expect(FileSystemPlan.deciding(bytes("/shared/fuse"), kind: kind, table: table) == .remote)
    }

    @Test("NFS that the table does not explain is not mounted")
    func unexplained() {
        #expect(FileSystemPlan.deciding(bytes("/shared/fuse"), kind: Self.nfs, table: table) == .remote)
        #expect(
            FileSystemPlan.deciding(bytes("/sharedlab"), kind: Self.nfs, table: bytes("nonsense\n1 2 3 - \n"))
                == .remote)
    }

    @Test("a damaged table ends nothing")
    func mutations() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<3_000 {
            var damaged = table
            for _ in 0..<5 {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            _ = FileSystemPlan.deciding(bytes("/shared/lab"), kind: Self.nfs, table: damaged)
        }
    }

    @Test("a rate is kept over time, with a tenth of a second at once")
    func rate() {
        let start = MonotonicTime(nanoseconds: 0)
        var bucket = TokenBucket(perSecond: 1_000, at: start)
        #expect(bucket.take(100, at: start) == 0)
        #expect(bucket.take(500, at: start) == 500_000_000)
        #expect(bucket.take(0, at: start + .milliseconds(500)) == 0)
        #expect(bucket.take(100, at: start + .seconds(60)) == 0)
        #expect(bucket.take(100, at: start + .seconds(60)) == 100_000_000)
    }
}

@Suite("What is left of a scan")
struct FrontierTests {
    @Test("is kept as it is")
    func roundTrip() {
        var frontier = Frontier()
        #expect(Frontier(frontier.bytes) == frontier)
        frontier.directories = [[], bytes("a/b"), [0xFF, 10]]
        frontier.rests = [
            Frontier.Rest(path: [], firstName: bytes("x")), Frontier.Rest(path: bytes("y"), firstName: []),
        ]
        #expect(Frontier(frontier.bytes) == frontier)
    }

    @Test("is refused or read as something else when it is damaged, and never ends the program")
    func mutations() {
        var frontier = Frontier()
        frontier.directories = [bytes("a/b"), bytes("c")]
        frontier.rests = [Frontier.Rest(path: bytes("long/path"), firstName: bytes("x"))]
        var random = SeededGenerator(seed: 1)
        var refused = 0
        for _ in 0..<5_000 {
            var damaged = frontier.bytes
            damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
            if Bool.random(using: &random) {
                damaged.removeLast(Int.random(in: 0..<damaged.count, using: &random))
            }
            if Frontier(damaged) == nil { refused += 1 }
        }
        #expect(refused > 1_000)
    }
}
