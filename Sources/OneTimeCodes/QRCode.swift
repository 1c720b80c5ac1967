import CQREncode
import Glibc

/// A QR code as text.
package struct QRCode: Sendable {
    /// Light modules around the code, on each side: without them cameras do not find it.
    private static let margin = 4
    private static let dark: UInt8 = 1

    /// Modules in a row, and rows; without the margin.
    package let width: Int
    private let modules: [UInt8]

    /// - Throws: `CodeError` for a text that is too long.
    package init(of text: String) throws(CodeError) {
        guard let code = unsafe QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) else {
            throw CodeError("the QR code cannot be made: \(String(errno))")
        }
        defer { unsafe QRcode_free(code) }
        width = unsafe Int(code.pointee.width)
        modules = unsafe Array(UnsafeBufferPointer(start: code.pointee.data, count: width * width))
    }

    /// Whether a module is dark; what lies outside is light.
    package func isDark(row: Int, column: Int) -> Bool {
        guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
        return modules[row * width + column] & Self.dark != 0
    }

    /// Two rows of modules in each line, by half blocks, in black on white whatever colours the terminal has.
    package var text: String {
        var text = ""
        for row in stride(from: -Self.margin, to: width + Self.margin, by: 2) {
            text += "\u{1B}[40;97m"
            for column in -Self.margin..<width + Self.margin {
                switch (isDark(row: row, column: column), isDark(row: row + 1, column: column)) {
                case (false, false): text += "█"
                case (false, true): text += "▀"
                case (true, false): text += "▄"
                case (true, true): text += " "
                }
            }
            text += "\u{1B}[0m\n"
        }
        return text
    }
}
