import Support

/// A value that a keyword does not take.
struct ValueError: Error, Equatable {
    let what: String
}

extension Configuration {
    /// Sets what a line says; `isFirst`: the keyword has not been seen before, so the defaults go.
    mutating func set(_ keyword: Keyword, to values: [String], isFirst: Bool) throws(ValueError) {
        let value = values[0]
        switch keyword {
        case .listenAddress:
            let address = try ListenAddress(parsing: value)
            if isFirst { listenAddresses = [] }
            guard !listenAddresses.contains(address), listenAddresses.count < 64 else {
                throw ValueError(what: "\(address) is there already, or there are too many")
            }
            listenAddresses.append(address)
        case .frontEnd: hasFrontEnd = try ValueParser.truth(value)
        case .hostKey:
            let path = try ValueParser.path(value)
            if isFirst { hostKeys = [] }
            guard !hostKeys.contains(path), hostKeys.count < 8 else {
                throw ValueError(what: "the file is there already, or there are more than 8")
            }
            hostKeys.append(path)
        case .acceptEnv:
            try acceptEnvironment(values, isFirst: isFirst)
        case .stateDirectory: stateDirectory = try ValueParser.directory(value, longestName: 4_000)
        // A socket's path has 107 bytes.
        case .runtimeDirectory: runtimeDirectory = try ValueParser.directory(value, longestName: 94)
        case .sessionProgram: sessionProgram = try ValueParser.path(value)
        case .sessionUser: sessionUser = try ValueParser.user(value)
        case .tunnelUser: tunnelUser = try ValueParser.user(value)
        case .loginGraceTime: loginGraceTime = try ValueParser.duration(value, in: 1...600)
        case .maxStartups: maximumStartups = try ValueParser.number(value, in: 1...100_000)
        case .maxStartupsPerAddress:
            maximumStartupsPerAddress = try ValueParser.number(value, in: 1...100_000)
        case .authenticationMethods: authenticationMethods = try AuthenticationMethods(parsing: values)
        case .passwordLogin: permitsPasswordLogin = try ValueParser.truth(value)
        case .pamService: pamService = try ValueParser.serviceName(value)
        case .pamServiceDirectory:
            pamServiceDirectory =
                value.lowercased() == "none" ? nil : try ValueParser.directory(value, longestName: 4_000)
        case .secondFactorGraceTime:
            secondFactorGraceTime = try ValueParser.duration(value, in: 0...30 * 86_400)
        case .maxAuthTries: maximumAttempts = try ValueParser.number(value, in: 1...100)
        case .maxFailuresPerAddress:
            maximumFailuresPerAddress = try ValueParser.number(value, in: 0...100_000)
        case .failureBlockTime: failureBlockTime = try ValueParser.duration(value, in: 1...3_600)
        case .allowFrom: try ValueParser.add(values, to: &networks.allowed, empty: "any", isFirst: isFirst)
        case .denyFrom: try ValueParser.add(values, to: &networks.denied, isFirst: isFirst)
        case .proxyProtocolFrom:
            try ValueParser.add(values, to: &proxies, isFirst: isFirst)
            guard proxies.allSatisfy({ $0.prefix > 0 }) else {
                throw ValueError(what: "not everybody may say who they are; name the proxies")
            }
        case .maxChannels: maximumChannels = try ValueParser.number(value, in: 1...10_000)
        case .maxConnections: maximumConnections = try ValueParser.number(value, in: 1...100_000)
        case .certificateValidity: certificateValidity = try ValueParser.duration(value, in: 10...86_400)
        case .connectTimeout: connectTimeout = try ValueParser.duration(value, in: 1...300)
        case .hostAliveTimeout: hostAliveTimeout = try ValueParser.duration(value, in: 3...3_600)
        case .healthCheckInterval: healthCheckInterval = try ValueParser.duration(value, in: 0...86_400)
        case .driftCheckInterval: driftCheckInterval = try ValueParser.duration(value, in: 0...604_800)
        case .awsRegion: awsRegion = try ValueParser.word(value, what: "an AWS region such as eu-central-1")
        case .awsProfile: awsProfile = try ValueParser.word(value, what: "the name of an AWS profile")
        case .inventoryRefreshInterval:
            inventoryRefreshInterval = try ValueParser.duration(value, in: 0...604_800)
        case .awsAgentTimeout: agentTimeout = try ValueParser.duration(value, in: 1...3_600)
        case .wakeTimeout: wakeTimeout = try ValueParser.duration(value, in: 1...3_600)
        case .fileDigests: wantsFileDigests = try ValueParser.truth(value)
        case .fileEventRetention:
            fileEventRetention =
                value.lowercased() == "none"
                ? .zero : try ValueParser.duration(value, in: 0...36_500 * 86_400)
        case .recordSessions: recordSessions = try ValueParser.choice(value)
        case .recordCommands: recordsCommands = try ValueParser.truth(value)
        case .recordInput: recordsInput = try ValueParser.truth(value)
        case .recordingLimit: recordingLimit = try ValueParser.size(value, in: 1 << 20...1 << 40)
        case .recordingRetention:
            recordingRetention =
                value.lowercased() == "none"
                ? .zero : try ValueParser.duration(value, in: 0...36_500 * 86_400)
        case .recordingSpace:
            recordingSpace =
                value.lowercased() == "none" ? 0 : try ValueParser.size(value, in: 0...1 << 50)
        case .checkpointInterval: checkpointInterval = try ValueParser.duration(value, in: 0...604_800)
        case .checkpointTo: checkpointDestinations = try CheckpointDestination.list(values)
        case .rekeyLimit: rekeyLimit = try ValueParser.size(value, in: 1 << 20...64 << 30)
        case .uidRange: uidRange = try ValueParser.uidRange(value)
        case .banner: banner = value.lowercased() == "none" ? nil : try ValueParser.path(value)
        case .logLevel: logLevel = try ValueParser.logLevel(value)
        case .include: preconditionFailure("an Include is followed, not set")
        }
    }

    private mutating func acceptEnvironment(_ values: [String], isFirst: Bool) throws(ValueError) {
        if isFirst { acceptedEnvironment = [] }
        if values.count == 1, values[0].lowercased() == "none" { return }
        for value in values {
            guard let pattern = EnvironmentPattern(value) else {
                throw ValueError(
                    what: "'\(value.printable)' is not a name of a variable, with * and ? if need be")
            }
            guard !pattern.isPointless else {
                throw ValueError(what: "\(value) is never accepted from clients")
            }
            guard acceptedEnvironment.count < 256 else { throw ValueError(what: "more than 256 patterns") }
            if !acceptedEnvironment.contains(pattern) { acceptedEnvironment.append(pattern) }
        }
    }
}

extension ListenAddress {
    /// Reads `HOST:PORT`, `[v6]:PORT`, or either without a port.
    init(parsing text: String) throws(ValueError) {
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw ValueError(what: "the ] is missing") }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.contains(":"), host.utf8.allSatisfy(Self.isIPv6Character) else {
                throw ValueError(what: "there is no IPv6 address between [ and ]")
            }
        } else {
            guard text.split(separator: ":", omittingEmptySubsequences: false).count <= 2 else {
                throw ValueError(what: "write an IPv6 address in brackets: [::]:\(Self.defaultPort)")
            }
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
            guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy(Self.isHostCharacter),
                host.utf8.first != UInt8(ascii: "-")
            else {
                throw ValueError(what: "'\(text.printable)' is not HOST:PORT")
            }
        }
        guard !rest.isEmpty else {
            self.init(host: String(host), port: Self.defaultPort)
            return
        }
        guard rest.hasPrefix(":") else { throw ValueError(what: "'\(text.printable)' is not HOST:PORT") }
        let port = try ValueParser.number(rest.dropFirst(), in: 1...65_535)
        self.init(host: String(host), port: UInt16(port))
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isIPv6Character(_ byte: UInt8) -> Bool {
        // A zone, as in fe80::1%eth0, is a name.
        isHostCharacter(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
            || byte == UInt8(ascii: "_")
    }
}
