internal import AWS
package import Accounts
package import Directory
internal import Support

/// Runs commands as root on instances, by Run Command of AWS Systems Manager.
///
/// What is the same for several hosts is sent once for fifty of them; all threads ask for what came of it together.
/// Any thread may call it.
package final class RunCommandExecutor: HostExecutor {
    /// How long a command may run.
    package static let executionLimit = Duration.seconds(300)

    private let service: RunCommandServiceSource
    private let timing: WatchState.Timing
    private let folder: String
    /// By region; the empty name is the one that the gateway is set up for.
    private let desks = Locked<[String: CommandDesk]>([:])

    /// - Parameter delivery: how long an agent may take to fetch a command.
    package convenience init(_ cloud: Cloud, delivery: Duration) {
        var timing = WatchState.Timing()
        timing.delivery = delivery
        self.init(timing: timing) { (region) throws(AWSError) in try cloud.systemsManager(in: region) }
    }

    /// - Parameters:
    ///   - folder: where transfers lie on the hosts.
    package init(
        timing: WatchState.Timing, folder: String = "/run/gatehouse-stage",
        service: @escaping RunCommandServiceSource
    ) {
        self.timing = timing
        self.folder = folder
        self.service = service
    }

    package func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        let result = Locked<Result<ExecutionResult, any Error>?>(nil)
        run(command, for: [HostJob(host: host, input: input)]) { _, outcome in
            result.withLock { $0 = outcome }
        }
        guard let result = result.withLock({ $0 }) else {
            throw AccountError(.failed, "nothing came of the command on \(host.name)")
        }
        return try result.get()
    }

    package func run(
        _ command: String, for jobs: [HostJob],
        _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void
    ) {
        var regions: [String: [CommandTarget]] = [:]
        for (number, job) in jobs.enumerated() {
            guard let instance = job.host.instance else {
                let error = FleetError(
                    .notManaged, "\(job.host.name) is not known as an instance",
                    hint: "name it: 'gatehouse host set \(job.host.name) --instance ID'")
                done(number, .failure(error))
                continue
            }
            regions[instance.region ?? "", default: []].append(
                CommandTarget(number: number, host: job.host.name, instanceID: instance.id))
        }
        for (region, targets) in regions {
            do throws(AWSError) {
                try deliver(command, jobs, to: targets, in: region, done)
            } catch {
                for target in targets { done(target.number, .failure(FleetError(error, about: target.host))) }
            }
        }
    }

    /// Tells of every target, or of none and throws.
    private func deliver(
        _ command: String, _ jobs: [HostJob], to targets: [CommandTarget], in region: String,
        _ done: @escaping Delivery.Done
    ) throws(AWSError) {
        let delivery = Delivery(desk: try desk(in: region), targets: targets, done)
        var parcels: [(parcel: Parcel, targets: [CommandTarget])] = []
        for (input, group) in Dictionary(grouping: targets, by: { jobs[$0.number].input }) {
            let parcel = try Parcel(command, input: input, transfer: Parcel.newTransfer(), folder: folder)
            parcels.append((parcel, group.sorted { $0.number < $1.number }))
        }
        delivery.run(parcels.sorted { $0.targets[0].number < $1.targets[0].number })
    }

    private func desk(in region: String) throws(AWSError) -> CommandDesk {
        if let desk = desks.withLock({ $0[region] }) { return desk }
        let made = CommandDesk(try service(region.isEmpty ? nil : region), timing: timing)
        return desks.withLock { desks in
            if let first = desks[region] { return first }
            desks[region] = made
            return made
        }
    }
}

/// One instance of a batch.
struct CommandTarget: Hashable, Sendable {
    /// Of the job.
    let number: Int
    /// The host's name, for people.
    let host: String
    let instanceID: String
}
