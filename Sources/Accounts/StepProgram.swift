package import Directory
internal import FoundationEssentials
internal import Support

/// A program of Python modules that does one thing on a host as root, and reports it in a line of JSON.
///
/// It gets there as `HostStep` does: nothing of its data is in the command.
package struct StepProgram: Sendable {
    /// More than this is no report.
    private static let reportLimit = 16 << 20
    private static let textLimit = 1_000

    /// In the order in which they import each other; the last one runs.
    private let modules: [(name: String, source: [UInt8])]

    /// - Parameter modules: names and sources, after the module `files`, which all programs have.
    package init(_ modules: [(name: String, source: [UInt8])]) {
        self.modules = [("files", PackageResources.files_py)] + modules
    }

    /// What goes to the standard input of `HostStep.command`.
    package func input(for wanted: [UInt8]) -> [UInt8] {
        let index = modules.map { "[\"\($0.name)\", \($0.source.count)]" }.joined(separator: ", ")
        return Array("[\(index)]\n".utf8) + modules.flatMap(\.source) + wanted
    }

    /// Runs it on a host and reads its report; blocks.
    ///
    /// - Throws: `StepError`; what the executor throws.
    package func run<Report: Decodable>(
        _ wanted: [UInt8], on host: Host, by executor: any HostExecutor, as type: Report.Type = Report.self
    ) throws -> Report {
        try Self.report(from: executor.run(HostStep.command, input: input(for: wanted), on: host), of: host)
    }

    /// Runs it on several hosts, as many at a time as suits; blocks until it has ended on all.
    ///
    /// - Parameter jobs: hosts, none of them twice, with what `input` gives; or why there is nothing to run.
    /// - Returns: what came of each, in their order; errors are those of `run`.
    package func run<Report: Decodable>(
        _ jobs: [Result<HostJob, any Error>], by executor: any HostExecutor,
        as type: Report.Type = Report.self
    ) -> [Result<Report, any Error>] {
        let ready = jobs.enumerated().compactMap { number, job in (try? job.get()).map { (number, $0) } }
        let results = Locked<[Int: Result<ExecutionResult, any Error>]>([:])
        executor.run(HostStep.command, for: ready.map(\.1)) { number, result in
            results.withLock { $0[ready[number].0] = result }
        }
        let all = results.withLock { $0 }
        return jobs.enumerated().map { number, job in
            Result {
                let host = try job.get().host
                guard let result = all[number] else {
                    throw StepError(.failed, "nothing came of the run on \(host.name)")
                }
                return try Self.report(from: try result.get(), of: host)
            }
        }
    }

    /// Runs it on several hosts, as many at a time as suits; blocks until it has ended on all.
    ///
    /// - Parameters:
    ///   - jobs: the hosts, none of them twice, with what `input` gives.
    ///   - done: told of each job's number once, as soon as it has ended; on any thread, on several at a time. Errors are those of `run`.
    package func run<Report: Decodable & SendableMetatype>(
        _ jobs: [HostJob], by executor: any HostExecutor, as type: Report.Type = Report.self,
        _ done: @escaping @Sendable (Int, Result<Report, any Error>) -> Void
    ) {
        executor.run(HostStep.command, for: jobs) { number, result in
            done(number, Result { try Self.report(from: try result.get(), of: jobs[number].host) })
        }
    }

    /// - Throws: `StepError`.
    private static func report<Report: Decodable>(
        from result: ExecutionResult, of host: Host
    ) throws -> Report {
        if result.status == 127 { throw StepError(.failed, "\(host.name) has no python3") }
        let data = Data(result.output)
        guard data.count <= reportLimit,
            let outcome = try? JSONDecoder().decode(StepOutcome.self, from: data), outcome.schema == 1
        else {
            // Without a report the last words tell most: Python's, the shell's or sshd's.
            let words = String(decoding: result.errorOutput.suffix(2_000), as: UTF8.self)
            let last = words.split(whereSeparator: \.isNewline).last.map { ": \(cut(String($0)))" }
            throw StepError(.badReport, "the answer of \(host.name) is not a report\(last ?? "")")
        }
        if let error = outcome.errors.first {
            throw StepError(StepError.Code(status: result.status), "\(host.name): \(cut(error))")
        }
        guard [0, 10].contains(result.status), let report = try? JSONDecoder().decode(Report.self, from: data)
        else {
            throw StepError(.badReport, "the answer of \(host.name) is not a report")
        }
        return report
    }

    private static func cut(_ text: String) -> String {
        String(text.printable.unicodeScalars.prefix(textLimit))
    }
}

/// What all reports hold.
private struct StepOutcome: Decodable {
    let schema: Int
    let errors: [String]
}

/// Why something was not done on a host.
package struct StepError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// What is there already stands in the way; nothing was changed.
        case conflict
        /// Something on the host does not work.
        case failed
        /// The host answered something that is not a report.
        case badReport
    }

    /// What kind of failure; code switches on this.
    package let code: Code

    /// One sentence without a full stop; what the host said is printable.
    package let detail: String

    /// What to do about it.
    package let hint: String?

    package init(_ code: Code, _ detail: String, hint: String? = nil) {
        self.code = code
        self.detail = detail
        self.hint = hint
    }

    package var description: String { detail }
}

extension StepError.Code {
    fileprivate init(status: Int32) {
        self = status == 20 ? .conflict : .failed
    }
}
