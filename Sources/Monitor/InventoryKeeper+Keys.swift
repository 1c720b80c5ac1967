import Accounts
import Audit
import Commands
import Directory
import Inventory
import Support

/// Host keys are learned and looked after over the way on which root commands reach an instance: the cloud proves which machine it is.
extension InventoryKeeper {
    /// A session that meets a wrong host key has the host asked no oftener than this.
    private static let doubtInterval = Duration.seconds(60)

    /// Asks the hosts that have no keys pinned, and those that may have got others since they were started.
    func settleKeys(
        after plan: InventoryPlan
    ) throws -> [(host: String, finding: Result<HostKeyFinding, any Error>)] {
        let started = Set(
            plan.entries.filter { $0.before?.state != .running && $0.update?.instance.state == .running }
                .compactMap(\.host))
        let hosts = try directory.hosts().filter { host in
            guard let instance = host.instance, instance.state == .running, instance.isAgentOnline == true,
                host.accountRoute == .ssm
            else { return false }
            return host.keys.isEmpty || started.contains(host.name)
        }
        return checkKeys(of: hosts)
    }

    /// Asks hosts for their keys, all together: pins them where there are none, and notes where they are others.
    private func checkKeys(
        of hosts: [Host]
    ) -> [(host: String, finding: Result<HostKeyFinding, any Error>)] {
        let findings = Locked<[Int: Result<HostKeyFinding, any Error>]>([:])
        let jobs = hosts.map { HostJob(host: $0, input: []) }
        executor().run(HostKeyListing.command, for: jobs) { number, answer in
            let finding = Result { try self.take(answer, from: hosts[number]) }
            findings.withLock { $0[number] = finding }
        }
        return findings.withLock { findings in
            findings.sorted { $0.key < $1.key }.map { number, finding in (hosts[number].name, finding) }
        }
    }

    private func take(_ answer: Result<ExecutionResult, any Error>, from host: Host) throws -> HostKeyFinding
    {
        guard let instance = host.instance else { return .outdated }
        let keys = try Self.keys(in: answer.get())
        let finding = try directory.takeHostKeys(keys, of: host.name, instance: instance.id)
        let fingerprints = keys.map(\.fingerprint).joined(separator: ",")
        var detail = ["instance": instance.id, "keys": fingerprints]
        switch finding {
        case .pinned:
            detail["what"] = "pinned"
            try events.append(Event(.hostKeys, host: host.name, detail: detail))
            log().notice("host keys pinned", ["host.name": host.name, "host.keys": fingerprints])
        case .different(isNews: true):
            detail["what"] = "not those that are pinned"
            detail["pinned"] = host.keys.map(\.fingerprint).joined(separator: ",")
            try events.append(Event(.hostKeys, host: host.name, detail: detail))
            log().warning(
                "a host has other keys than are pinned",
                ["host.name": host.name, "host.keys": fingerprints])
        case .different(isNews: false), .confirmed, .outdated: break
        }
        return finding
    }

    private static func keys(in result: ExecutionResult) throws -> [KeyMaterial] {
        guard result.status == 0 else {
            let words = String(decoding: result.errorOutput.prefix(300), as: UTF8.self)
            throw CommandError(
                .failure, "its host keys cannot be listed: status \(result.status) \(words.printable)")
        }
        return try HostKeyListing.parse(result.output)
    }

    /// The host keys that a host really has, asked over the way on which its accounts are made.
    func hostKeys(of host: Host) throws -> [KeyMaterial] {
        guard host.accountRoute != .ssh else {
            throw CommandError(
                .failure, "\(host.name) is reached over SSH only, which cannot prove its new keys",
                hint: "give the keys with --key FILE, or have them shown and compare them: --scan")
        }
        return try Self.keys(in: executor().run(HostKeyListing.command, input: [], on: host))
    }

    /// A session met a host key that is not pinned: finds out, on a thread of its own, whether the host really has it.
    func doubt(_ name: String) {
        let isDue = doubts.withLock { doubts in
            if let last = doubts[name], MonotonicTime.now < last + Self.doubtInterval { return false }
            doubts[name] = .now
            return true
        }
        guard isDue, let host = try? directory.findHost(name), host.instance != nil, host.accountRoute == .ssm
        else { return }
        try? Thread.start("keys") { _ = self.checkKeys(of: [host]) }
    }
}
