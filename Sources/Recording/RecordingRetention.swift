package import Support

/// Which recordings go, by age and by the room that all of them take; pure.
package struct RecordingRetention: Equatable, Sendable {
    package struct Item: Equatable, Sendable {
        package let name: RecordingName
        package let byteCount: UInt64
        /// When it was written last.
        package let time: Timestamp
        /// It is being written, and stays.
        package let isLive: Bool

        package init(name: RecordingName, byteCount: UInt64, time: Timestamp, isLive: Bool = false) {
            self.name = name
            self.byteCount = byteCount
            self.time = time
            self.isLive = isLive
        }
    }

    /// Why one goes.
    package enum Reason: String, Sendable {
        case age = "it is older than RecordingRetention"
        case space = "recordings took more than RecordingSpace"
    }

    /// Zero: none is too old.
    package var age: Duration
    /// Bytes; 0: there is room for all.
    package var space: UInt64

    package init(age: Duration, space: UInt64) {
        self.age = age
        self.space = space
    }

    /// What goes now: what is too old, then for room, each time, the oldest of the person whose recordings take most.
    ///
    /// So nobody pushes out what there is of others. Where all of that person's are being written nothing goes until they have ended.
    /// - Parameter owner: whose a session is; asked only when there is not enough room, once for each session.
    package func expired(
        _ items: [Item], at now: Timestamp, owner: (SessionID) throws -> String
    ) rethrows -> [(item: Item, reason: Reason)] {
        let items = items.sorted { ($0.time, $0.name) < ($1.time, $1.name) }
        let isOld = { (item: Item) in age > .zero && !item.isLive && item.time + age < now }
        var gone = items.filter(isOld).map { (item: $0, reason: Reason.age) }
        let rest = items.filter { !isOld($0) }
        var total = Self.sum(rest)
        guard space > 0, total > space else { return gone }

        var owners: [SessionID: String] = [:]
        for session in Set(rest.map(\.name.session)) { owners[session] = try owner(session) }
        let folders = Dictionary(grouping: rest) { owners[$0.name.session] ?? "" }
        var shares = folders.mapValues(Self.sum)
        // The oldest last.
        var candidates = folders.mapValues { Array($0.filter { !$0.isLive }.reversed()) }
        while total > space, let largest = shares.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key,
            let item = candidates[largest]?.popLast()
        {
            total -= item.byteCount
            shares[largest, default: item.byteCount] -= item.byteCount
            gone.append((item, .space))
        }
        return gone
    }

    /// Lengths of files, which the disk has.
    private static func sum(_ items: [Item]) -> UInt64 {
        items.reduce(0) { $0 + $1.byteCount }
    }
}
