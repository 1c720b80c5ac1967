package import Directory
package import Support

/// Makes the accounts of the directory on hosts, and knows how they stand. Any thread may call it.
package final class AccountService: Sendable {
    private let directory: DirectoryStore
    private let ledger: AccountLedger
    private let turns: HostTurns
    private let executor: any HostExecutor
    private let range: ClosedRange<UInt32>
    private let certificateAuthority: String
    private let acceptedEnvironment: [String]

    /// - Parameters:
    ///   - ledger: keeps what the hosts report.
    ///   - turns: shared by all services for these hosts.
    ///   - executor: how commands get to a host.
    ///   - range: where the directory takes uids and gids from.
    ///   - certificateAuthority: the public key that signs certificates, as one line.
    ///   - acceptedEnvironment: names of variables, with `*` and `?`.
    package init(
        directory: DirectoryStore, ledger: AccountLedger, turns: HostTurns, executor: any HostExecutor,
        range: ClosedRange<UInt32>, certificateAuthority: String, acceptedEnvironment: [String]
    ) {
        self.directory = directory
        self.ledger = ledger
        self.turns = turns
        self.executor = executor
        self.range = range
        self.certificateAuthority = certificateAuthority
        self.acceptedEnvironment = acceptedEnvironment
    }

    /// Brings one host to what the directory says; blocks until that is done. Conflicts are in the report, not an error.
    ///
    /// There is one run at a time on a host: others wait for it, and do then what is right then.
    /// - Parameters:
    ///   - host: its name in the directory.
    ///   - adopted: accounts that are on the host already and become Gatehouse's, if their numbers are right.
    ///   - time: the moment for which it is done; nil: when it begins.
    /// - Throws: `AccountError`; `DirectoryError` `.notFound`; what the executor throws.
    package func apply(
        host name: String, adopting adopted: [String] = [], at time: Timestamp? = nil
    ) throws -> AccountReport {
        try turns.run(at: name) { try run(on: name, adopting: adopted, .command, at: time ?? .now).report }
    }

    /// The same as a rehearsal: says what `apply` would do, and writes nothing on the host.
    ///
    /// - Throws: as `apply`.
    package func plan(
        host name: String, adopting adopted: [String] = [], at time: Timestamp? = nil
    ) throws -> AccountCheck {
        try turns.run(at: name) { try run(on: name, adopting: adopted, .rehearsal, at: time ?? .now) }
    }

    /// Why a host is worked on.
    private enum Purpose {
        case rehearsal
        /// Somebody logs in, or what was granted is over.
        case login
        /// Somebody asks for it.
        case command
    }

    private func run(
        on name: String, adopting adopted: [String], _ purpose: Purpose, at time: Timestamp
    ) throws -> AccountCheck {
        let host = try directory.host(name)
        let state = try wantedState(of: name, adopting: adopted, purpose, at: time)
        try expect(state, on: name, at: time)
        let outcome = Result {
            try executor.run(HostStep.command, input: HostStep.input(for: try state.encoded()), on: host)
        }
        return try digest(outcome, of: name, wanted: state, at: time)
    }

    private func wantedState(
        of host: String, adopting adopted: [String], _ purpose: Purpose, at time: Timestamp
    ) throws -> DesiredState {
        var state = try DesiredState(
            of: host, in: directory, range: range, certificateAuthority: certificateAuthority,
            acceptedEnvironment: acceptedEnvironment, at: time)
        state.adopted = adopted
        state.isRehearsal = purpose == .rehearsal
        state.insists = purpose == .command
        return state
    }

    /// Notes before a run what it may give, in case nothing comes back from it.
    private func expect(_ state: DesiredState, on host: String, at time: Timestamp) throws {
        if !state.isRehearsal { try ledger.expect(state, on: host, at: time) }
    }

    /// Takes in what came of a run.
    private func digest(
        _ outcome: Result<ExecutionResult, any Error>, of name: String, wanted state: DesiredState,
        at time: Timestamp
    ) throws -> AccountCheck {
        let result: ExecutionResult
        do {
            result = try outcome.get()
        } catch {
            // What has begun there has reached the host.
            try ledger.take(
                failure: "\(error)", isUnreachable: !(error is AccountError), of: name, at: time)
            throw error
        }
        do throws(AccountError) {
            let report = try Self.report(from: result).completed(with: state)
            // What an adoption would do is not how things stand.
            if state.isRehearsal, !state.adopted.isEmpty { return AccountCheck(report: report, drifted: [:]) }
            return AccountCheck(report: report, drifted: try take(report, of: name, wanted: state, at: time))
        } catch {
            if error.code != .busy {
                try ledger.take(failure: error.detail, isUnreachable: false, of: name, at: time)
            }
            throw error
        }
    }

    private func take(
        _ report: AccountReport, of host: String, wanted state: DesiredState, at time: Timestamp
    ) throws(AccountError) -> [String: String] {
        do {
            return try ledger.take(report, of: host, wanted: state, at: time)
        } catch {
            throw AccountError(.failed, "what \(host) reported cannot be kept: \(error)")
        }
    }

    /// - Throws: `AccountError`.
    private static func report(from result: ExecutionResult) throws(AccountError) -> AccountReport {
        if result.status == 127 {
            throw AccountError(.failed, "the host has no python3")
        }
        do {
            return try AccountReport(output: result.output, status: result.status)
        } catch  where error.code == .badReport {
            // Without a report the last words tell most: Python's, the shell's or sshd's.
            let words = String(decoding: result.errorOutput.suffix(2_000), as: UTF8.self)
            guard let last = words.split(whereSeparator: \.isNewline).last else { throw error }
            throw AccountError(.badReport, "\(error.detail): \(String(last).printable)")
        }
    }
}

// MARK: Many hosts

extension AccountService {
    /// Brings hosts to what the directory says, as many at a time as suits; blocks until all are done.
    ///
    /// A host at which another run is under way waits for that, and keeps no other from being done.
    /// - Parameter names: none of them twice.
    /// - Returns: what came of each, in their order; errors are those of `apply`.
    package func apply(
        hosts names: [String], at time: Timestamp? = nil
    ) -> [Result<AccountReport, any Error>] {
        runAll(on: names, .command, at: time).map { $0.map(\.report) }
    }

    /// The same because what was granted is over, and not because somebody asks for it: what broke a host's sshd before is not tried again.
    package func withdraw(
        from names: [String], at time: Timestamp? = nil
    ) -> [Result<AccountReport, any Error>] {
        runAll(on: names, .login, at: time).map { $0.map(\.report) }
    }

    /// The same as a rehearsal.
    package func plan(
        hosts names: [String], at time: Timestamp? = nil
    ) -> [Result<AccountCheck, any Error>] {
        runAll(on: names, .rehearsal, at: time)
    }

    private func runAll(
        on names: [String], _ purpose: Purpose, at moment: Timestamp?
    ) -> [Result<AccountCheck, any Error>] {
        let time = moment ?? .now
        let checks = Locked<[String: Result<AccountCheck, any Error>]>([:])
        let free = turns.begin(at: names)
        var jobs: [(job: HostJob, state: DesiredState)] = []
        for name in names where free.contains(name) {
            do {
                let state = try wantedState(of: name, adopting: [], purpose, at: time)
                try expect(state, on: name, at: time)
                var input = HostStep.input(for: try state.encoded())
                // Most hosts want the same: one copy of it is enough.
                if let last = jobs.last?.job.input, last == input { input = last }
                jobs.append((HostJob(host: try directory.host(name), input: input), state))
            } catch {
                checks.withLock { $0[name] = .failure(error) }
                turns.end(at: name)
            }
        }
        executor.run(HostStep.command, for: jobs.map(\.job)) { [jobs] number, outcome in
            let name = jobs[number].job.host.name
            let check = Result { try self.digest(outcome, of: name, wanted: jobs[number].state, at: time) }
            checks.withLock { $0[name] = check }
            self.turns.end(at: name)
        }
        let busy = names.filter { !free.contains($0) }
        let rest = Parallel.map(busy, limit: HostStep.threadLimit) { name in
            Result {
                try self.turns.run(at: name) {
                    try self.run(on: name, adopting: [], purpose, at: moment ?? .now)
                }
            }
        }
        return checks.withLock { checks in
            checks.merge(zip(busy, rest)) { $1 }
            return names.map {
                checks[$0] ?? .failure(AccountError(.failed, "nothing came of the run on \($0)"))
            }
        }
    }
}

/// What a rehearsal found.
package struct AccountCheck: Equatable, Sendable {
    package let report: AccountReport
    /// What has changed on the host by other hands since the last look, by user and with what it is; the empty name is the
    /// host itself.
    package let drifted: [String: String]

    package init(report: AccountReport, drifted: [String: String]) {
        self.report = report
        self.drifted = drifted
    }
}

// MARK: How things stand

extension AccountService {
    /// How the accounts on a host stand, by name, as far as is known; nothing is asked of the host.
    ///
    /// - Throws: `DirectoryError` `.notFound`; `SQLiteError`.
    package func status(host name: String, at time: Timestamp = .now) throws -> [AccountStatus] {
        _ = try directory.host(name)
        let state = try DesiredState(
            of: name, in: directory, range: range, certificateAuthority: certificateAuthority,
            acceptedEnvironment: acceptedEnvironment, at: time)
        let wanted = state.signatures()
        let known = try ledger.entries(on: name)
        let itself = try ledger.entry(ofHost: name)
        let unreachable = itself.flatMap { $0.state == .unreachable ? $0 : nil }
        var list = [status(of: itself, on: name, wanted: state.hostSignature)]
        for user in Set(wanted.keys).union(known.keys).sorted() {
            let entry = known[user]
            // What was never made and is not wanted is nothing to tell.
            if wanted[user] == nil, entry?.state == .missing || entry?.state == .conflict { continue }
            if let unreachable, wanted[user] != nil {
                list.append(
                    AccountStatus(
                        host: name, user: user, state: .unreachable, since: unreachable.since,
                        reason: unreachable.reason))
                continue
            }
            list.append(Self.status(of: user, entry, on: name, wanted: wanted[user]))
        }
        return list
    }

    private func status(of entry: AccountLedger.Entry?, on host: String, wanted signature: String)
        -> AccountStatus
    {
        guard let entry else {
            return AccountStatus(
                host: host, user: nil, state: .missing, since: nil, reason: "nothing was applied here yet")
        }
        let isBehind = entry.state == .ok && entry.signature != signature
        return AccountStatus(
            host: host, user: nil, state: isBehind ? .stale : entry.state, since: entry.since,
            reason: isBehind ? "the directory has changed" : entry.reason)
    }

    private static func status(
        of user: String, _ entry: AccountLedger.Entry?, on host: String, wanted signature: String?
    ) -> AccountStatus {
        guard let entry else {
            return AccountStatus(host: host, user: user, state: .missing, since: nil)
        }
        var state = entry.state
        var reason = entry.reason
        if let signature {
            if state == .locked || (state == .ok && entry.signature != signature) {
                state = .stale
                reason = "the directory has changed"
            }
        } else if state == .ok {
            state = .stale
            reason = "not wanted here any more"
        }
        return AccountStatus(host: host, user: user, state: state, since: entry.since, reason: reason)
    }

    /// Forgets what a host reported: it is another machine now.
    package func forgetReports(of host: String) throws {
        try ledger.forget(host)
    }

    /// Forgets what hosts reported that the directory has no more.
    package func forgetRemovedHosts() throws {
        try ledger.keep(only: try directory.hosts().map(\.name))
    }
}

// MARK: Just in time

extension AccountService {
    /// What came of making an account just in time.
    package enum Preparation: Equatable, Sendable {
        /// The account is as the directory wants it; the report, if it was this call that asked the host.
        case ready(AccountReport?)
        /// The host cannot give this user the account.
        case conflict(String, AccountReport)
    }

    /// Whether a user's account on a host is, as far as is known, as the directory wants it; nothing is asked of the host.
    package func isReady(user: String, on host: String, at time: Timestamp = .now) throws -> Bool {
        guard let holder = try directory.accountHolder(user, on: host, at: time) else { return false }
        guard let entry = try ledger.entry(of: user, on: host) else { return false }
        return entry.state == .ok && entry.signature == holder.signature
    }

    /// Changes when something of the account is to change that a user is to have on a host; nil: there is to be none.
    package func signature(ofAccount user: String, on host: String, at time: Timestamp = .now) throws
        -> String?
    {
        try directory.accountHolder(user, on: host, at: time)?.signature
    }

    /// Whether a user may become root on a host, as far as is known, who is not to: it has not been told yet, or could not be.
    package func mayStillBecomeRoot(user: String, on host: String, at time: Timestamp = .now) throws -> Bool {
        try excess(of: user, on: host, at: time).contains(.sudo)
    }

    /// Whether a user's own keys give more on a host, as far as is known, than they are to give.
    package func hasTooMuch(user: String, on host: String, at time: Timestamp = .now) throws -> Bool {
        try !excess(of: user, on: host, at: time).isEmpty
    }

    private func excess(of user: String, on host: String, at time: Timestamp) throws -> AccountPowers {
        let holder = try directory.accountHolder(user, on: host, at: time)
        return try ledger.entry(of: user, on: host)?.excess(over: holder) ?? []
    }

    /// Hosts that give more, as far as is known, than is granted any more, by name.
    ///
    /// That somebody may become root there who may not any more counts in any case, everything else where a grant's time is
    /// over: what an administrator takes away without that is taken along with the next run. Of who is locked or has left everything
    /// waits for that run, which ends what they still run as well.
    package func hostsWithTooMuch(at time: Timestamp = .now) throws -> [String] {
        let lapsed = try directory.usersOfLapsedGrants(at: time)
        var hosts: [String] = []
        for (host, user, entry) in try ledger.powerful() where hosts.last != host {
            guard entry.powers.contains(.sudo) || lapsed.contains(user),
                try directory.findUser(user)?.state == .active, try directory.findHost(host) != nil
            else { continue }
            let excess = entry.excess(over: try directory.accountHolder(user, on: host, at: time))
            if excess.contains(.sudo) || lapsed.contains(user) && !excess.isEmpty { hosts.append(host) }
        }
        return hosts
    }

    /// Whether a host last had an account for this user, be it as the directory wants it or not.
    package func mayExist(user: String, on host: String) throws -> Bool {
        switch try ledger.entry(of: user, on: host)?.state {
        case .ok, .stale: true
        default: false
        }
    }

    /// Makes the accounts of a host so that this user can log in; blocks. Of several that ask for one host, one works.
    ///
    /// - Parameter isDoubted: the host refused the user, whatever is known.
    /// - Throws: as `apply`.
    package func prepare(
        user: String, on host: String, isDoubted: Bool = false, at moment: Timestamp? = nil
    ) throws -> Preparation {
        try turns.run(at: host) {
            let time = moment ?? .now
            if !isDoubted, try isReady(user: user, on: host) { return .ready(nil) }
            let report = try run(on: host, adopting: [], .login, at: time).report
            if let entry = report.users.first(where: { $0.name == user }), entry.result == .conflict {
                return .conflict(entry.reason, report)
            }
            return .ready(report)
        }
    }
}
