package import Accounts
package import Directory
internal import Support

/// Measures who uses a host, with a small program that is sent there and changes nothing.
package struct HostMeasurement: Sendable {
    private static let program = StepProgram([("measure", PackageResources.measure_py)])
    private static let nameLimit = 64

    private let executor: any HostExecutor
    private let uidRange: ClosedRange<UInt32>

    /// - Parameter uidRange: the uids of the directory's people.
    package init(executor: any HostExecutor, uidRange: ClosedRange<UInt32>) {
        self.executor = executor
        self.uidRange = uidRange
    }

    /// Measures hosts, as many at a time as suits; blocks until all are done.
    ///
    /// - Parameters:
    ///   - hosts: none of them twice.
    ///   - done: told of each host's number once, as soon as it has answered, and does not wait for the others; on any thread, on several at a
    ///     time. Errors are `StepError` and what the executor throws.
    package func measure(
        _ hosts: [Host], _ done: @escaping @Sendable (Int, Result<IdleSample, any Error>) -> Void
    ) {
        let wanted = Array("{\"low\": \(uidRange.lowerBound), \"high\": \(uidRange.upperBound)}".utf8)
        let input = Self.program.input(for: wanted)
        Self.program.run(hosts.map { HostJob(host: $0, input: input) }, by: executor) {
            (number: Int, report: Result<Report, any Error>) in
            done(number, Result { try Self.sample(report.get()) })
        }
    }

    /// The host's word is not trusted further than it must be: numbers are numbers, and names fit a line.
    private static func sample(_ report: Report) throws -> IdleSample {
        guard report.seconds.isFinite, report.seconds >= 0, report.activities.count <= 1_000 else {
            throw StepError(.badReport, "the host's measurement makes no sense")
        }
        var activities: [IdleSample.Activity: Double] = [:]
        for entry in report.activities where entry.seconds.isFinite {
            let activity = IdleSample.Activity(
                user: name(entry.user), what: name(entry.what), holds: entry.holds)
            activities[activity, default: 0] += entry.seconds
        }
        return IdleSample(
            boot: name(report.boot), cores: max(1, min(report.cores, 4_096)), processorTime: report.seconds,
            activities: activities)
    }

    private static func name(_ text: String) -> String { String(text.prefix(nameLimit)).printable }

    private struct Report: Decodable {
        struct Activity: Decodable {
            var user: String
            var what: String
            var holds: Bool
            var seconds: Double
        }

        var boot: String
        var cores: Int
        var seconds: Double
        var activities: [Activity]
    }
}
