import Support

/// Reads a file and what it includes, and collects everything that is wrong.
struct ConfigurationReader {
    /// Gives the contents of a file.
    typealias FileReader = (String) throws(SystemError) -> [UInt8]

    static let fileLimit = 256 * 1024
    private static let depthLimit = 8
    private static let includeLimit = 64
    private static let problemLimit = 50

    private struct Place {
        let file: String
        let line: Int
    }

    private let readFile: FileReader
    private var configuration = Configuration()
    private var problems: [ConfigurationError.Problem] = []
    private var places: [Keyword: Place] = [:]
    private var includeCount = 0

    /// Reads `path` and what it includes.
    ///
    /// - Throws: `ConfigurationError` with all that is wrong.
    static func read(_ path: String, by readFile: FileReader) throws(ConfigurationError) -> Configuration {
        try withoutActuallyEscaping(readFile) { readFile throws(ConfigurationError) in
            var reader = ConfigurationReader(readFile: readFile)
            reader.read(path, includedAt: nil, depth: 0)
            return try reader.finish()
        }
    }

    private init(readFile: @escaping FileReader) {
        self.readFile = readFile
    }

    private mutating func finish() throws(ConfigurationError) -> Configuration {
        if places[.hostKey] == nil {
            configuration.hostKeys = [Configuration.defaultHostKey(in: configuration.stateDirectory)]
        }
        if let place = places[.authenticationMethods], configuration.authenticationMethods.permitKeyless,
            !configuration.permitsPasswordLogin
        {
            report(
                "AuthenticationMethods has a chain without publickey, which lets people in by a password alone; "
                    + "PasswordLogin yes permits that", at: place)
        }
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        return configuration
    }

    private mutating func read(_ path: String, includedAt place: Place?, depth: Int) {
        let contents: [UInt8]
        do {
            contents = try readFile(path)
        } catch {
            if let place {
                report("cannot read \(path.printable): \(error.reason)", at: place)
            } else {
                problems.append(.init(file: path, line: nil, what: "cannot be read: \(error.reason)"))
            }
            return
        }
        for (index, line) in contents.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            // As many problems as anybody reads.
            guard problems.count < Self.problemLimit else { return }
            let place = Place(file: path, line: index + 1)
            do {
                let ending = line.last == 0x0D ? line.dropLast() : line
                guard let (name, values) = try LineLexer.split(ending) else { continue }
                take(name, values, at: place, depth: depth)
            } catch {
                report(error.what, at: place)
            }
        }
    }

    private mutating func take(_ name: String, _ values: [String], at place: Place, depth: Int) {
        guard let keyword = Keyword(named: name) else {
            report(Self.unknown(name), at: place)
            return
        }
        if !keyword.isRepeatable, let first = places[keyword] {
            let origin = first.file == place.file ? "line \(first.line)" : "\(first.file) line \(first.line)"
            report("\(keyword.rawValue) is set twice, first in \(origin)", at: place)
            return
        }
        let isFirst = places[keyword] == nil
        if isFirst { places[keyword] = place }
        guard !values.isEmpty else {
            report("\(keyword.rawValue) needs a value", at: place)
            return
        }
        guard values.count == 1 || keyword.takesSeveral else {
            report("\(keyword.rawValue) takes one value; put quotes around one with blanks", at: place)
            return
        }
        if keyword == .include {
            include(values[0], at: place, depth: depth)
            return
        }
        do {
            try configuration.set(keyword, to: values, isFirst: isFirst)
        } catch {
            report("\(keyword.rawValue): \(error.what)", at: place)
        }
    }

    private mutating func include(_ name: String, at place: Place, depth: Int) {
        includeCount += 1
        guard depth < Self.depthLimit, includeCount <= Self.includeLimit else {
            report("files include each other too deeply or too often", at: place)
            return
        }
        guard !name.isEmpty, name.utf8.count <= 4_096 else {
            report("Include needs the name of a file", at: place)
            return
        }
        let folder = place.file.lastIndex(of: "/").map { String(place.file[...$0]) } ?? ""
        read(name.hasPrefix("/") ? name : folder + name, includedAt: place, depth: depth + 1)
    }

    private mutating func report(_ what: String, at place: Place) {
        problems.append(.init(file: place.file, line: place.line, what: what))
    }

    private static func unknown(_ name: String) -> String {
        let shown = String(name.unicodeScalars.prefix(40).map(Character.init)).printable
        switch name.lowercased() {
        case "port": return "unknown keyword '\(shown)'; the port is a part of ListenAddress: HOST:PORT"
        case "ciphers", "macs", "kexalgorithms", "hostkeyalgorithms":
            return "unknown keyword '\(shown)'; the algorithms are not configurable"
        default: break
        }
        guard let keyword = Keyword.suggestion(for: name) else { return "unknown keyword '\(shown)'" }
        return "unknown keyword '\(shown)'; did you mean \(keyword.rawValue)?"
    }
}
