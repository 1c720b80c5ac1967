/// How long to wait for an acknowledgement: the mean round trip and four times how much it varies.
///
/// As in RFC 6298, with the bounds that the official clients use.
struct RetransmissionTimer: Equatable, Sendable {
    private static let least = Duration.milliseconds(20)
    private static let most = Duration.seconds(1)
    private static let varianceFloor = Duration.milliseconds(10)

    private var roundTrip = Duration.milliseconds(100)
    private var variance = Duration.zero
    private(set) var timeout = Duration.milliseconds(200)

    /// Takes in the time from sending a message to its acknowledgement; not of repeated ones, where nobody knows which was meant.
    mutating func note(_ sample: Duration) {
        let difference = sample > roundTrip ? sample - roundTrip : roundTrip - sample
        variance = (variance * 3 + difference) / 4
        roundTrip = (roundTrip * 7 + sample) / 8
        timeout = min(Self.most, max(Self.least, roundTrip + max(Self.varianceFloor, variance * 4)))
    }
}
