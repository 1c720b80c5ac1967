import Support

/// Rows with a bar each, as long as the terminal is wide.
struct BarChart {
    private struct Row {
        var label: String
        var cells: [String]
        var value: Int64
    }

    /// Bars shorter than this say nothing.
    private static let narrowest = 8
    private static let widest = 60

    private let header: [String]
    private var rows: [Row] = []

    /// - Parameter header: above the label, the cells, and nothing above the bar.
    init(_ header: String...) {
        self.header = header
    }

    /// Adds a row; the bar shows `value` in proportion to the greatest of all.
    mutating func add(_ label: String, _ cells: String..., value: Int64) {
        precondition(cells.count == header.count - 1, "a row has as many cells as the header")
        rows.append(Row(label: label.isEmpty ? "-" : label.printable, cells: cells, value: value))
    }

    /// The text, each line ended: labels to the left, numbers to the right, then the bars.
    ///
    /// - Parameter columns: width of the terminal; 0, or too narrow for bars: none are drawn.
    func text(columns: Int) -> String {
        let lines = [header] + rows.map { [$0.label] + $0.cells }
        var widths = [Int](repeating: 0, count: header.count)
        for line in lines {
            for (index, cell) in line.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        let used = widths.reduce(0) { $0 + $1 + 2 }
        let room = min(columns - used - 1, Self.widest)
        let greatest = rows.map(\.value).max() ?? 0
        var text = ""
        for (index, line) in lines.enumerated() {
            var cells: [String] = []
            for (column, cell) in line.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                cells.append(column == 0 ? cell + blanks : blanks + cell)
            }
            var shown = cells.joined(separator: "  ")
            if index > 0, room >= Self.narrowest, greatest > 0 {
                shown += "  " + Self.bar(rows[index - 1].value, of: greatest, width: room)
            }
            text += shown.trimmedAtEnd + "\n"
        }
        return text
    }

    /// Whole blocks and an eighth part of one: what is not nothing is seen.
    static func bar(_ value: Int64, of greatest: Int64, width: Int) -> String {
        guard value > 0, greatest > 0 else { return "" }
        let eighths = max(1, Int((Double(value) / Double(greatest) * Double(width * 8)).rounded()))
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
    }
}
