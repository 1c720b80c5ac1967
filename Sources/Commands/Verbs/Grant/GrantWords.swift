import Authorization
import Directory
import Support

/// What a grant gives, as people write it: the same for `grant add` and for an approval.
struct RightsWords {
    static let usage =
        "[--files-only | --no-login] [--sudo] [--agent] [--no-forwarding | --forward-ports PORTS] [--remote-forwarding | --no-remote-forwarding] [--record] [--wake] [--require FACTORS] \(NetworkWords.usage)"

    let rights: Rights
    /// What has to be shown by those who make use of it.
    let required: FurtherFactors
    /// From where it can be made use of.
    let networks: SourceNetworks

    init(parsing words: inout ArgumentReader) throws(UsageError) {
        let programs: Programs
        switch (words.flag("--files-only"), words.flag("--no-login")) {
        case (true, true): throw UsageError("--files-only and --no-login exclude each other")
        case (true, false): programs = .files
        case (false, true): programs = .none
        case (false, false): programs = .all
        }
        let forwarding: PortSet
        switch (words.flag("--no-forwarding"), try words.option("--forward-ports")) {
        case (true, .some): throw UsageError("--no-forwarding and --forward-ports exclude each other")
        case (true, nil): forwarding = .none
        case (false, nil): forwarding = programs == .files ? .none : .all
        case (false, let text?):
            guard let ports = PortSet(text) else {
                throw UsageError(
                    "--forward-ports takes ports, not '\(text.printable)'", hint: "write 8888,6006-6010")
            }
            forwarding = ports
        }
        let remote: Bool?
        switch (words.flag("--remote-forwarding"), words.flag("--no-remote-forwarding")) {
        case (true, true):
            throw UsageError("--remote-forwarding and --no-remote-forwarding exclude each other")
        case (true, false): remote = true
        case (false, true): remote = false
        case (false, false): remote = nil
        }
        if let text = try words.option("--require") {
            guard let factors = FurtherFactors(text: text) else {
                throw UsageError(
                    "--require takes factors, not '\(text.printable)'",
                    hint: "write totp for a one-time code, pam for what PAM asks, or pam,totp for both")
            }
            required = factors
        } else {
            required = []
        }
        networks = try NetworkWords.networks(&words) ?? .anywhere
        rights = Rights(
            sudo: words.flag("--sudo"), programs: programs, forwarding: forwarding, remoteForwarding: remote,
            agent: words.flag("--agent"), record: words.flag("--record"), wake: words.flag("--wake"))
    }
}

/// When a grant holds, as people write it.
struct PeriodWords {
    static let usage = "[--from TIME] [--until TIME] [--days DAYS] [--hours HOURS] [--zone ZONE]"

    private let from: EndTime?
    private let until: EndTime?
    private let days: String?
    private let hours: String?
    private let zone: String?

    init(parsing words: inout ArgumentReader) throws(UsageError) {
        from = try words.option("--from").map { text throws(UsageError) in
            do throws(UsageError) { return try EndTime(text) } catch {
                guard (try? SourceNetworks(text)) != nil else { throw error }
                throw UsageError(
                    "--from takes the time at which the grant begins, not '\(text.printable)'",
                    hint: "--allow-from takes networks")
            }
        }
        if let text = try words.option("--until") { until = try EndTime(text) } else { until = nil }
        days = try words.option("--days")
        hours = try words.option("--hours")
        zone = try words.option("--zone", isSigned: true)
        if zone != nil, days == nil, hours == nil {
            throw UsageError("--zone says in which time zone --days and --hours are, and neither is there")
        }
    }

    /// What it means when said at `now`.
    ///
    /// - Throws: `DirectoryError` `.invalidField` for days, hours and zones that there are not.
    func period(from now: Timestamp) throws(DirectoryError) -> GrantPeriod {
        GrantPeriod(
            from: from?.resolved(from: now), until: until?.resolved(from: now),
            hours: days == nil && hours == nil
                ? nil : try WeeklyHours(days: days, hours: hours, zone: zone))
    }
}
