import Support

/// Plain columns: two spaces apart, upper-case header, no lines drawn.
package struct Table: Sendable {
    private let header: [String]
    private var rows: [[String]] = []

    package init(_ header: String...) {
        self.header = header
    }

    /// Adds a row; what a peer chose is made visible, an empty cell becomes `-`.
    package mutating func add(_ cells: String...) {
        precondition(cells.count == header.count, "a row has as many cells as the header")
        rows.append(cells.map { $0.isEmpty ? "-" : $0.printable })
    }

    /// The text, each line ended.
    package var text: String {
        let lines = [header] + rows
        var widths = [Int](repeating: 0, count: header.count)
        for line in lines {
            for (index, cell) in line.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return lines.reduce(into: "") { text, line in
            var padded = ""
            for (index, cell) in line.dropLast().enumerated() {
                padded += cell + String(repeating: " ", count: widths[index] - cell.count + 2)
            }
            text += padded + (line.last ?? "") + "\n"
        }
    }
}

/// Names and values below each other: `name:   alice`.
package struct Details: Sendable {
    private var lines: [(name: String, value: String)] = []

    package init() {}

    /// Adds a line; an empty value becomes `-`.
    package mutating func add(_ name: String, _ value: String) {
        lines.append((name + ":", value.isEmpty ? "-" : value.printable))
    }

    /// Adds a line for each value, named once.
    package mutating func add(_ name: String, each values: [String]) {
        add(name, values.first ?? "")
        for value in values.dropFirst() { lines.append(("", value.printable)) }
    }

    /// The text, each line ended.
    package var text: String {
        let width = lines.map(\.name.count).max() ?? 0
        return lines.reduce(into: "") { text, line in
            text += line.name + String(repeating: " ", count: width - line.name.count + 2) + line.value + "\n"
        }
    }
}
