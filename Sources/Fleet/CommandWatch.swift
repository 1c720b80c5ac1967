internal import AWS
internal import Support

/// Follows commands of all threads together, and asks Systems Manager no oftener than it must.
///
/// A thread of its own asks while anything is under way; the others wait for what concerns them.
final class CommandWatch: Sendable {
    private struct State {
        var watch: WatchState
        var isAsking = false
    }

    private let service: any RunCommandService
    private let clock: @Sendable () -> Timestamp
    private let state: Awaited<State>

    /// - Parameter clock: the time, for commands of which the service does not say when it took them.
    init(
        _ service: any RunCommandService, timing: WatchState.Timing,
        clock: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.service = service
        self.clock = clock
        state = Awaited(State(watch: WatchState(document: CommandRequest().document, timing: timing)))
    }

    /// Follows a command; ask with `outcomes`.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func follow(
        _ command: RunCommand, on instanceIDs: [String], limit: Duration, canWait: Bool
    ) throws(SystemError) {
        // Clocks may be five minutes apart before AWS says so.
        let time = clock() + .seconds(-360)
        let mustStart = state.change { state in
            state.watch.follow(
                command, on: instanceIDs, limit: limit, canWait: canWait, at: .now, serverTime: time)
            defer { state.isAsking = true }
            return !state.isAsking
        }
        guard mustStart else { return }
        do {
            try Thread.start("ssm") { self.ask() }
        } catch {
            state.change { $0.isAsking = false }
            throw error
        }
    }

    /// Nothing more will be sent that these could wait for.
    func hurry(_ keys: Set<WatchState.Key>) {
        state.change { $0.watch.hurry(keys, at: .now) }
    }

    /// What came of some of these: waits until there is something, or says at once what there is.
    func outcomes(
        of keys: Set<WatchState.Key>, waiting: Bool
    ) -> [WatchState.Key: WatchState.Outcome] {
        if !waiting { return state.change { $0.watch.take(keys) } }
        return state.wait { state in
            let found = state.watch.take(keys)
            return found.isEmpty ? nil : found
        }
    }

    private func ask() {
        while true {
            let step = state.change { state in
                let step = state.watch.next(at: .now)
                if step == .idle { state.isAsking = false }
                return step
            }
            switch step {
            case .idle: return
            case .wait(let pause): Effects.system.sleep(pause)
            case .cancel(let command, let instances):
                // One that is not taken changes nothing: the command ends by itself, or is given up.
                try? service.cancelCommand(command, on: instances)
            case .list(let filters): for filter in filters { list(filter) }
            }
        }
    }

    private func list(_ filter: InvocationFilter) {
        do throws(AWSError) {
            var pages: [CommandInvocation] = []
            let found = try service.listCommandInvocations(filter, withOutput: true) { page in
                pages += page
                return self.state.change { $0.watch.isEnough(pages, of: filter) }
            }
            state.change { $0.watch.note(found, of: filter, at: .now) }
        } catch {
            state.change { $0.watch.note(error, of: filter, at: .now) }
        }
    }
}
