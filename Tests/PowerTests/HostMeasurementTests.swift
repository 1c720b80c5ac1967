import Accounts
import Directory
import Power
import Support
import Testing

@Suite("measuring hosts")
struct HostMeasurementTests {
    /// Hosts of which all but the last answer; that one answers when `finish` is called for it.
    private final class Hosts: HostExecutor {
        let asked = Locked<[[HostJob]]>([])
        private let answers: [String]
        /// What was told before the last host had answered.
        let early = Locked<[Int]>([])
        private let told: Locked<[Int]>

        init(_ answers: [String], told: Locked<[Int]>) {
            self.answers = answers
            self.told = told
        }

        func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
            throw StepError(.failed, "each host is asked alone")
        }

        func run(
            _ command: String, for jobs: [HostJob],
            _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void
        ) {
            asked.withLock { $0.append(jobs) }
            for (number, answer) in answers.enumerated() {
                if number == answers.count - 1 {
                    let sofar = told.withLock { $0 }
                    early.withLock { $0 = sofar }
                }
                done(number, .success(ExecutionResult(status: 0, output: Array(answer.utf8))))
            }
        }
    }

    private static func report(_ seconds: Int) -> String {
        #"{"schema": 1, "errors": [], "boot": "b", "cores": 4, "seconds": \#(seconds), "activities": []}"#
    }

    @Test("several are one piece of work, and none waits for the answer of another")
    func together() {
        let time = Timestamp(milliseconds: 1_700_000_000_000)
        let hosts = ["c1", "c2", "c3"].map { Host(name: $0, address: "10.0.0.1", keys: [], added: time) }
        let told = Locked<[Int]>([])
        let results = Locked<[Int: IdleSample]>([:])
        let executor = Hosts([Self.report(7), "nonsense", Self.report(9)], told: told)
        HostMeasurement(executor: executor, uidRange: 20_000...59_999).measure(hosts) { number, result in
            told.withLock { $0.append(number) }
            results.withLock { $0[number] = try? result.get() }
        }
        let asked = executor.asked.withLock { $0 }
        #expect(asked.map { $0.map(\.host.name) } == [["c1", "c2", "c3"]])
        // One input for all: so they go by one command.
        #expect(Set(asked[0].map(\.input)).count == 1)
        #expect(executor.early.withLock { $0 } == [0, 1])
        #expect(told.withLock { $0 } == [0, 1, 2])
        #expect(results.withLock { $0.mapValues(\.processorTime) } == [0: 7, 2: 9])
    }
}
