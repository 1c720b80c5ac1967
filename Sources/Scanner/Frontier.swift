/// What a scan still has to read, as the book keeps it for the time after a kill.
package struct Frontier: Equatable, Sendable {
    /// The rest of a directory's directories.
    package struct Rest: Equatable, Sendable {
        /// The directory, which the book has.
        package var path: [UInt8]
        /// The first name that is still to be read; what comes before it in order is done or in `directories`.
        package var firstName: [UInt8]

        package init(path: [UInt8], firstName: [UInt8]) {
            self.path = path
            self.firstName = firstName
        }
    }

    /// Directories to read, with everything below them.
    package var directories: [[UInt8]] = []
    /// Deepest last.
    package var rests: [Rest] = []

    package init() {}
}

extension Frontier {
    private static let version: UInt8 = 1

    /// As the book keeps it.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = [Self.version]
        func add(_ text: [UInt8]) {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: text.count >> shift)) }
            bytes += text
        }
        for path in directories {
            bytes.append(1)
            add(path)
        }
        for rest in rests {
            bytes.append(2)
            add(rest.path)
            add(rest.firstName)
        }
        return bytes
    }

    /// Nil: not what `bytes` gives.
    package init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        guard rest.popFirst() == Self.version else { return nil }
        func text() -> [UInt8]? {
            guard rest.count >= 4 else { return nil }
            let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        while let tag = rest.popFirst() {
            guard let path = text() else { return nil }
            if tag == 1 {
                directories.append(path)
            } else {
                guard tag == 2, let name = text() else { return nil }
                rests.append(Rest(path: path, firstName: name))
            }
        }
    }
}
