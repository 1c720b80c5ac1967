internal import AWS
import Accounts
internal import Support

/// One batch: brings parcels to instances, has the commands run, and gets what they answer.
///
/// It goes in rounds, each for all instances together: first the parts that are only stored, then the part that runs, then
/// what did not fit into the output. An instance at which a round fails has no part in the next one.
final class Delivery {
    typealias Done = @Sendable (Int, Result<ExecutionResult, any Error>) -> Void

    private struct Script {
        let lines: [String]
        /// Unlike that of any other command.
        let name: String
        let targets: [CommandTarget]
    }

    /// What a round is for.
    private enum Stage {
        case store, run, fetch
    }

    private struct Piece {
        let parcel: Parcel
        var answer: CarrierAnswer
        let offset: Int
    }

    private static let targetLimit = CommandRequest.instanceLimit
    /// How long storing or fetching may take.
    private static let carryLimit = Duration.seconds(60)

    private let desk: CommandDesk
    private let done: Done
    private var open: Set<CommandTarget>
    /// At which the command may have begun.
    private var begun: Set<CommandTarget> = []
    private var pieces: [CommandTarget: Piece] = [:]

    init(desk: CommandDesk, targets: [CommandTarget], _ done: @escaping Done) {
        self.desk = desk
        self.done = done
        open = Set(targets)
    }

    /// Delivers; every target has been told of when it returns.
    func run(_ parcels: [(parcel: Parcel, targets: [CommandTarget])]) {
        var stores: [Script] = []
        var finals: [Script] = []
        for (parcel, targets) in parcels {
            let chunks = stride(from: 0, to: targets.count, by: Self.targetLimit).map {
                Array(targets[$0..<min($0 + Self.targetLimit, targets.count)])
            }
            for (number, chunk) in chunks.enumerated() {
                for (part, lines) in parcel.stores.enumerated() {
                    stores.append(
                        Script(
                            lines: lines, name: "gatehouse \(parcel.transfer) part \(part) of \(number)",
                            targets: chunk))
                }
                finals.append(
                    Script(
                        lines: parcel.final, name: "gatehouse \(parcel.transfer) run \(number)",
                        targets: chunk))
            }
        }
        round(.store, stores) { target, invocation in
            guard !invocation.output.hasPrefix("gatehouse-stored ") else { return }
            self.fail(target, AccountError(.badReport, "\(target.host) does not say that it has all parts"))
        }
        let parcelOf = Dictionary(
            uniqueKeysWithValues: parcels.flatMap { parcel, targets in targets.map { ($0, parcel) } })
        round(.run, finals) { target, invocation in
            guard let parcel = parcelOf[target] else { return }
            self.takeFirst(invocation, of: target, parcel)
        }
        while !pieces.isEmpty { fetchPieces() }
        for target in open {
            fail(target, AccountError(.failed, "nothing came of the command on \(target.host)"))
        }
    }

    // MARK: Rounds

    /// Sends all scripts, and hands over each invocation that ended well.
    private func round(
        _ stage: Stage, _ scripts: [Script], _ handle: (CommandTarget, CommandInvocation) -> Void
    ) {
        let limit = stage == .run ? RunCommandExecutor.executionLimit : Self.carryLimit
        var under: [WatchState.Key: CommandTarget] = [:]
        func settle(waiting: Bool) {
            let outcomes = desk.watch.outcomes(of: Set(under.keys), waiting: waiting)
            var silent: [CommandTarget] = []
            for (key, outcome) in outcomes {
                guard let target = under.removeValue(forKey: key), open.contains(target) else { continue }
                if outcome.isNotFetched {
                    if stage == .run { begun.remove(target) }
                    silent.append(target)
                    continue
                }
                do {
                    handle(target, try outcome.success(on: target, limit: limit))
                } catch {
                    fail(target, error)
                }
            }
            if !silent.isEmpty { failSilent(silent) }
        }
        for script in scripts {
            let targets = script.targets.filter { open.contains($0) }
            if targets.isEmpty { continue }
            let byID = Dictionary(targets.map { ($0.instanceID, $0) }) { first, _ in first }
            let sent = desk.send(
                script.lines, name: script.name, to: targets.map(\.instanceID), limit: limit,
                isRepeatable: stage == .store)
            for id in sent.refused.keys { if let target = byID[id] { failUnknown(target) } }
            let reached = targets.filter { sent.refused[$0.instanceID] == nil }
            if stage == .run, sent.command != nil || sent.isInDoubt { begun.formUnion(reached) }
            guard let command = sent.command else {
                if let error = sent.error {
                    for target in reached { fail(target, FleetError(error, about: target.host)) }
                }
                continue
            }
            do {
                try desk.watch.follow(
                    command, on: reached.map(\.instanceID), limit: limit, canWait: scripts.count > 1)
                for target in reached {
                    under[.init(commandID: command.id, instanceID: target.instanceID)] = target
                }
            } catch {
                for target in reached { fail(target, error) }
            }
            settle(waiting: false)
        }
        desk.watch.hurry(Set(under.keys))
        while !under.isEmpty { settle(waiting: true) }
    }

    private func fetchPieces() {
        let wanted = pieces
        pieces = [:]
        var scripts: [Script] = []
        for (place, group) in Dictionary(grouping: wanted, by: { Place($0.value) }) {
            let targets = group.map(\.key).sorted { $0.number < $1.number }
            for start in stride(from: 0, to: targets.count, by: Self.targetLimit) {
                let chunk = Array(targets[start..<min(start + Self.targetLimit, targets.count)])
                do {
                    scripts.append(
                        Script(
                            lines: try group[0].value.parcel.fetch(from: place.offset),
                            name: "gatehouse \(place.transfer) fetch \(place.offset) \(start)", targets: chunk
                        ))
                } catch {
                    for target in chunk { fail(target, FleetError(error, about: target.host)) }
                }
            }
        }
        round(.fetch, scripts) { target, invocation in
            guard var piece = wanted[target] else { return }
            do throws(AWSError) {
                let whole = try self.desk.service.getCommandInvocation(
                    commandID: invocation.commandID, instanceID: invocation.instanceID)
                let progress = piece.answer.take(whole.output)
                self.take(progress, piece.answer, after: piece.offset, of: target, piece.parcel)
            } catch {
                self.fail(target, FleetError(error, about: target.host))
            }
        }
    }

    private struct Place: Hashable {
        let transfer: String
        let offset: Int

        init(_ piece: Piece) {
            transfer = piece.parcel.transfer
            offset = piece.offset
        }
    }

    // MARK: Answers

    /// A list has the first 2,500 characters of an output; the invocation itself has ten times as many.
    private func takeFirst(_ invocation: CommandInvocation, of target: CommandTarget, _ parcel: Parcel) {
        var answer = CarrierAnswer()
        var progress = answer.take(invocation.output)
        if case .incomplete = progress {
            do throws(AWSError) {
                let whole = try desk.service.getCommandInvocation(
                    commandID: invocation.commandID, instanceID: invocation.instanceID)
                answer = CarrierAnswer()
                progress = answer.take(whole.output)
            } catch {
                return fail(target, FleetError(error, about: target.host))
            }
        }
        take(progress, answer, after: 0, of: target, parcel)
    }

    private func take(
        _ progress: CarrierAnswer.Progress, _ answer: CarrierAnswer, after offset: Int,
        of target: CommandTarget, _ parcel: Parcel
    ) {
        switch progress {
        case .complete(let result): finish(target, .success(result))
        // Less than a whole piece was cut by somebody else than the program on the host.
        case .incomplete(let next) where next > offset && next.isMultiple(of: Parcel.pieceLimit):
            pieces[target] = Piece(parcel: parcel, answer: answer, offset: next)
        case .incomplete: fail(target, AccountError(.badReport, "\(target.host): the host's answer was cut"))
        case .trouble(let sentence): fail(target, AccountError(.failed, "\(target.host): \(sentence)"))
        case .damaged(let sentence): fail(target, AccountError(.badReport, "\(target.host): \(sentence)"))
        }
    }

    // MARK: Ends

    private func finish(_ target: CommandTarget, _ result: Result<ExecutionResult, any Error>) {
        if open.remove(target) != nil { done(target.number, result) }
    }

    private func fail(_ target: CommandTarget, _ error: any Error) {
        pieces[target] = nil
        finish(target, .failure(begun.contains(target) ? Self.doubtful(error) : error))
    }

    /// What kept the gateway from hearing of a command that may have begun.
    private static func doubtful(_ error: any Error) -> AccountError {
        if let error = error as? AccountError { return error }
        return AccountError(
            .failed,
            "\(error); the command may have begun there, and what it had not done yet is done by the next run",
            hint: (error as? FleetError)?.hint)
    }

    private func failUnknown(_ target: CommandTarget) {
        fail(
            target,
            FleetError(
                .notManaged,
                "\(target.host) cannot be reached: Systems Manager does not know \(target.instanceID), or not as running",
                hint:
                    "is it stopped or gone, or has its agent no rights? See 'gatehouse host show \(target.host)'"
            ))
    }

    private func failSilent(_ targets: [CommandTarget]) {
        let pings = desk.lastPings(of: targets.map(\.instanceID))
        let seconds = desk.timing.delivery.components.seconds
        for target in targets {
            let heard = pings[target.instanceID].map { "; it was last heard of at \($0)" } ?? ""
            let loss = begun.contains(target) ? "the rest of its answer is lost" : "nothing was done there"
            fail(
                target,
                FleetError(
                    .silentAgent,
                    "\(target.host) cannot be reached: the agent of \(target.instanceID) did not fetch the command "
                        + "within \(seconds) s, so \(loss)\(heard)",
                    hint: "see that the instance runs, and amazon-ssm-agent on it"))
        }
    }
}

extension WatchState.Outcome {
    /// Whether the agent never had the command.
    var isNotFetched: Bool {
        switch self {
        case .notFetched: true
        case .ended(let invocation): invocation.state.hasNotRun
        case .lost, .unknown: false
        }
    }

    /// The invocation that ended with an answer.
    ///
    /// - Throws: `AccountError` when something may have been done, `FleetError` when AWS cannot be asked.
    func success(on target: CommandTarget, limit: Duration) throws -> CommandInvocation {
        let again = "what it had not done yet is done by the next run"
        switch self {
        case .notFetched:
            throw AccountError(.failed, "\(target.host) did not fetch the command")
        case .lost:
            throw AccountError(
                .failed, "\(target.host) began and was not heard of again; whatever it did, \(again)")
        case .unknown(let error):
            throw FleetError(error, about: target.host)
        case .ended(let invocation):
            switch invocation.state {
            case .succeeded: return invocation
            case .executionTimedOut:
                throw AccountError(
                    .failed, "\(Self.sentence(on: target, invocation, limit)); \(again)")
            case .cancelled:
                throw AccountError(.failed, "the work on \(target.host) was called off; \(again)")
            default:
                // Without Python there is no answer; a shell says so with this status.
                if invocation.exitStatus == 127 {
                    throw AccountError(.failed, "\(target.host): the host has no python3")
                }
                var answer = CarrierAnswer()
                if case .trouble = answer.take(invocation.output) { return invocation }
                let words = invocation.output.split(whereSeparator: \.isNewline).last.map {
                    ": \(String($0).printable)"
                }
                let status = invocation.exitStatus.map { " with exit status \($0)" } ?? ""
                throw AccountError(.failed, "the work on \(target.host) failed\(status)\(words ?? "")")
            }
        }
    }

    /// The agent says of a script that was killed that its time was up.
    private static func sentence(
        on target: CommandTarget, _ invocation: CommandInvocation, _ limit: Duration
    ) -> String {
        let seconds = limit.components.seconds
        if invocation.exitStatus == nil {
            return "\(target.host) began and did not say within \(seconds) s how it ended"
        }
        if let elapsed = invocation.elapsed, elapsed < limit {
            return "the work on \(target.host) was killed before its end, by hand or for lack of memory"
        }
        return "the work on \(target.host) was ended after \(seconds) s"
    }
}
