import Glibc
package import Support

/// What a host's watcher is to do: `/etc/gatehouse-watch/watch.conf`, written by `gatehouse watch install`.
///
/// A keyword and its value on each line; a value goes to the end of its line.
package struct WatchSettings: Equatable, Sendable {
    package static let path = "/etc/gatehouse-watch/watch.conf"
    /// No file is longer, in bytes.
    package static let fileLimit = 1 << 20

    /// The host's name in the directory.
    package var host: String
    /// Where the gateway listens; nil: this host does not reach it, and the gateway fetches what waits.
    package var gateway: TCPAddress?
    /// The trees that are watched, by path.
    package var trees: [String] = []
    /// Those that this host walks.
    package var scannedTrees: [String] = []
    /// Where sealed segments wait.
    package var spool = "/var/spool/gatehouse-watch"
    /// What the spool may hold, in bytes.
    package var spoolLimit: UInt64 = 2 << 30
    /// What was observed lately, for the other verbs and for `gatehouse watch status`.
    package var runtime = "/run/gatehouse-watch"
    /// The host's own key, and what it knows the gateway by.
    package var keys = "/etc/gatehouse-watch"
    /// Whether processes in other mount namespaces are other machines' and not this one's: in the lab.
    package var isOnlyMountNamespace = false

    package init(host: String, gateway: TCPAddress?) {
        self.host = host
        self.gateway = gateway
    }

    package var keyPath: String { keys + "/key" }
    package var knownHostsPath: String { keys + "/known_hosts" }
}

extension WatchSettings {
    /// Reads the settings' file.
    ///
    /// - Throws: `WatchSettingsError`.
    package static func load(_ path: String = path) throws(WatchSettingsError) -> WatchSettings {
        let contents: [UInt8]
        do {
            contents = try Descriptor.open(path, O_RDONLY).readAll(limit: fileLimit)
        } catch {
            throw WatchSettingsError("\(path): \(error.reason)")
        }
        do {
            return try WatchSettings(contents)
        } catch {
            throw WatchSettingsError("\(path) \(error)")
        }
    }

    /// Reads what the file holds.
    ///
    /// - Throws: `WatchSettingsError` with the line.
    package init(_ contents: [UInt8]) throws(WatchSettingsError) {
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw WatchSettingsError("is not UTF-8")
        }
        var host: String?
        var isFetched = false
        self.init(host: "", gateway: nil)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let value = words.last.map(String.init), value == value.printable else {
                throw WatchSettingsError("line \(index + 1): a keyword needs a value")
            }
            let problem: String?
            switch words[0] {
            case "Host": (host, problem) = (value, nil)
            case "Gateway":
                gateway = Self.address(value)
                problem = gateway == nil ? "is not an address and a port" : nil
            case "Fetched":
                isFetched = value == "yes"
                problem = value == "yes" || value == "no" ? nil : "is neither yes nor no"
            case "Tree": problem = Self.add(value, to: &trees)
            case "Scan": problem = Self.add(value, to: &scannedTrees)
            case "Spool": problem = Self.set(value, &spool)
            case "Runtime": problem = Self.set(value, &runtime)
            case "Keys": problem = Self.set(value, &keys)
            case "SpoolLimit":
                spoolLimit = UInt64(value) ?? 0
                problem = spoolLimit == 0 ? "is not a number of bytes" : nil
            case "OnlyMountNamespace":
                isOnlyMountNamespace = value == "yes"
                problem = value == "yes" || value == "no" ? nil : "is neither yes nor no"
            default: problem = "stands after an unknown keyword"
            }
            if let problem { throw WatchSettingsError("line \(index + 1): '\(value)' \(problem)") }
        }
        guard let host else { throw WatchSettingsError("lacks Host") }
        guard isFetched != (gateway != nil) else {
            throw WatchSettingsError(isFetched ? "has both Gateway and Fetched" : "lacks Gateway")
        }
        self.host = host
    }

    private static func set(_ value: String, _ path: inout String) -> String? {
        path = value
        return value.hasPrefix("/") ? nil : "is not an absolute path"
    }

    private static func add(_ value: String, to list: inout [String]) -> String? {
        list.append(value)
        return value.hasPrefix("/") ? nil : "is not an absolute path"
    }

    /// `HOST:PORT`, or `[ADDRESS]:PORT`; nil for anything else. What begins with a dash would be an option of ssh.
    private static func address(_ text: String) -> TCPAddress? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.hasPrefix("-"), !host.contains(" ") else { return nil }
        return TCPAddress(host: String(host), port: port)
    }
}

/// Why the settings cannot be used.
package struct WatchSettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, the line and what is wrong there.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
