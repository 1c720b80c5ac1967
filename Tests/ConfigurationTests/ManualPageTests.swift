import Configuration
import Glibc
import Support
import Testing

@Suite("What is written about the configuration")
struct ManualPageTests {
    private func contents(of name: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try Descriptor.open("/\(root)/\(name)", O_RDONLY).readAll(limit: 1 << 20)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// All keywords, as the template of a new installation has them.
    private var keywords: [Substring] {
        Configuration.template.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
            .compactMap { $0.dropFirst().split(separator: " ").first }
    }

    @Test("the manual page explains each keyword once, by name")
    func manualPage() throws {
        let explained = try contents(of: "docs/man/gatehouse.conf.5").split(separator: "\n")
            .filter { $0.hasPrefix(".It Cm ") }.map { $0.split(separator: " ")[2] }
        #expect(explained.sorted() == Set(keywords).sorted())
    }

    @Test("the example shows each keyword, and its values are the defaults")
    func example() throws {
        let lines = try contents(of: "etc/gatehouse.conf").split(separator: "\n")
            .filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }.map { $0.dropFirst() }
        let shown = Set(lines.compactMap { $0.split(separator: " ").first })
        #expect(shown == Set(keywords))
        let settings = lines.filter { !$0.hasPrefix("Include ") && !$0.hasPrefix("SessionProgram ") }
        let parsed = try Configuration.parse(Array(settings.joined(separator: "\n").utf8))
        #expect(parsed == Configuration())
    }
}
