internal import AWS
internal import FoundationEssentials
internal import Support

/// A command and its input as scripts of Run Command: packed, cut into parts that fit, and run once all are there.
///
/// What the scripts do on the host is in `HostCarrier/carry.py`. Nothing in them is read by a shell but that program itself.
struct Parcel: Sendable {
    /// Where transfers lie on a host: root's alone, and gone after a restart.
    static let folder = "/run/gatehouse-stage"
    /// Packed bytes in one script; with their text form and the program that is below what a document may have, 64 KiB.
    static let partLimit = 33_000
    /// Packed bytes of an answer that one output holds; as in the program.
    static let pieceLimit = 17_700

    private struct Order: Encodable {
        var action: String
        let folder: String
        let transfer: String
        let parts: Int
        let whole: String
        let size: Int
        var part = 0
        var sum = ""
        var command = ""
        var offset = 0

        enum CodingKeys: String, CodingKey {
            case action = "do"
            case folder, transfer, parts, whole, size, part, sum, command, offset
        }
    }

    /// Names the transfer on the host, and in AWS's list of commands.
    let transfer: String
    /// Scripts that store parts, in any order, before `final`; the lines of each.
    let stores: [[String]]
    /// The script that has the last part and runs the command.
    let final: [String]

    private let order: Order

    /// - Parameters:
    ///   - command: for root's shell.
    ///   - transfer: must not be used again.
    /// - Throws: `AWSError` with code `cryptography` or `invalidRequest`.
    init(
        _ command: String, input: [UInt8], transfer: String, folder: String = Parcel.folder
    ) throws(AWSError) {
        guard let packed = Zlib.packed(input) else {
            throw AWSError(.invalidRequest, "the wanted state cannot be packed")
        }
        let parts = stride(from: 0, to: packed.count, by: Self.partLimit).map {
            Array(packed[$0..<min($0 + Self.partLimit, packed.count)])
        }
        order = Order(
            action: "store", folder: folder, transfer: transfer, parts: parts.count,
            whole: Hexadecimal.encode(try Digest.sha256(packed)), size: input.count)
        var scripts: [[String]] = []
        for (number, part) in parts.enumerated() {
            var own = order
            own.part = number
            own.sum = Hexadecimal.encode(try Digest.sha256(part))
            if number == parts.count - 1 { (own.action, own.command) = ("run", command) }
            scripts.append(try Self.script(own, part))
        }
        final = scripts.removeLast()
        stores = scripts
        self.transfer = transfer
    }

    /// The script that hands out a piece of an answer that was too long for one output.
    func fetch(from offset: Int) throws(AWSError) -> [String] {
        var own = order
        (own.action, own.offset) = ("fetch", offset)
        return try Self.script(own, [])
    }

    private static let program = String(decoding: PackageResources.carry_py, as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

    /// Python gets the program and its data on standard input, so that a shell sees neither.
    private static func script(_ order: Order, _ data: [UInt8]) throws(AWSError) -> [String] {
        guard let encoded = try? JSONEncoder().encode(order) else {
            throw AWSError(.invalidRequest, "the order cannot be written as JSON")
        }
        let call = "main(\"\(Base64.encode(encoded))\", \"\(Base64.encode(data))\")"
        return ["exec python3 -I - <<'GATEHOUSE'"] + program + [call, "GATEHOUSE"]
    }

    /// A name for a transfer that nobody can guess or has used.
    static func newTransfer() -> String {
        (0..<2).map { _ in
            let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
