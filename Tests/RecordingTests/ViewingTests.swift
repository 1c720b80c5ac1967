import Recording
import Support
import TestSupport
import Testing

@Suite("What a viewer's terminal gets")
struct ViewingTests {
    private func filtered(_ text: String, keepsControls: Bool = true, piece: Int = 1_000) -> String {
        var filter = TerminalFilter(keepsControls: keepsControls)
        var out: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            filter.append(Array(bytes[start..<min(start + piece, bytes.count)]), to: &out)
        }
        return String(decoding: out, as: UTF8.self)
    }

    @Test(
        "what draws passes as it is",
        arguments: [
            "plain äöü 日本\r\n\t\u{8}", "\u{1B}[1;31mred\u{1B}[0m", "\u{1B}[2J\u{1B}[H\u{1B}[10;20H\u{1B}[K",
            "\u{1B}[?1049h\u{1B}[?25l\u{1B}[5;10r\u{1B}[?1049l", "\u{1B}(0lqk\u{1B}(B",
            "\u{1B}7\u{1B}8\u{1B}M\u{1B}D",
            "\u{1B}[38;2;1;2;3m\u{1B}[48;5;9mx", "\u{1B}[4h\u{1B}[4l\u{1B}[3@\u{1B}[2P\u{1B}[L\u{1B}[1M",
        ])
    func harmless(_ text: String) {
        for piece in [1, 3, 1_000] { #expect(filtered(text, piece: piece) == text) }
    }

    @Test(
        "what could harm is dropped, in pieces of any size",
        arguments: [
            // Clipboard, title, links, colours, files: OSC with both ends.
            "\u{1B}]52;c;cm0gLXJmIH4=\u{7}", "\u{1B}]52;c;cm0gLXJmIH4=\u{1B}\\", "\u{1B}]0;owned\u{7}",
            "\u{1B}]8;;http://evil\u{1B}\\", "\u{1B}]4;1;?\u{7}", "\u{1B}]1337;File=x:AAAA\u{7}",
            "\u{1B}]50;?\u{7}",
            // DCS, APC, PM, SOS.
            "\u{1B}P$q\"p\u{1B}\\", "\u{1B}P+q544e\u{1B}\\", "\u{1B}_Gx\u{1B}\\", "\u{1B}^x\u{1B}\\",
            "\u{1B}Xx\u{1B}\\",
            // What terminals answer to.
            "\u{1B}[6n", "\u{1B}[5n", "\u{1B}[c", "\u{1B}[>c", "\u{1B}[=c", "\u{1B}[0x", "\u{1B}[?1$p",
            "\u{1B}[21t",
            "\u{1B}[>q", "\u{1B}Z", "\u{5}", "\u{1B}[?6n", "\u{1B}[18t", "\u{1B}[14t",
            // Windows, keys, mouse, paste, printing, scroll-back, keyboard lamps.
            "\u{1B}[8;1;1t", "\u{1B}[3;0;0t", "\u{1B}[?1000h", "\u{1B}[?1006h", "\u{1B}[?2004h", "\u{1B}[?1h",
            "\u{1B}=",
            "\u{1B}[5i", "\u{1B}[3J", "\u{1B}[03J", "\u{1B}[0;3J", "\u{1B}[3;J", "\u{1B}[2q", "\u{1B}[>4;2m",
            "\u{1B}[?1;2c", "\u{1B}[!p", "\u{7}",
            // 8-bit forms.
            "\u{9B}6n", "\u{9D}52;c;eA==\u{7}", "\u{90}$qm\u{1B}\\", "\u{9F}x\u{1B}\\", "\u{85}", "\u{7F}",
            // Controls within.
            "\u{1B}[\u{1B}]0;x\u{7}", "\u{1B}\u{1B}]52;c;eA==\u{7}", "\u{1B}]0;a\u{1B}]52;c;eA==\u{7}",
        ])
    func harmful(_ text: String) {
        for piece in [1, 2, 5, 1_000] {
            #expect(
                filtered("a" + text + "b", piece: piece) == "ab",
                "\(text.debugDescription) in pieces of \(piece)")
        }
    }

    @Test("no output, however made, leaves anything but the sequences that are allowed")
    func everything() {
        var generator = SeededGenerator(seed: 12)
        let parts: [[UInt8]] =
            [
                [0x1B], [0x5B], [0x5D], [0x50], [0xC2, 0x9B], [0xC2], [0x9D], [0x07], [0x3B], [0x3F], [0x24],
                [0x63], [0x6E],
            ]
            + ["[?", "52;c;", "6n", "1049h", "\\", "(", "abc", "31m", "\u{18}"].map { Array($0.utf8) }
        let allowed = try? Regex(
            "(?:\u{1B}\\[(?:[0-9;:]*[@A-IKLMPSTXZ`adefgrsubm]|[0-24-9;:]*J|\\?(?:7|12|25|47|1047|1048|1049)[hl]|4[hl])|\u{1B}[78DEM]|\u{1B}[()][0AB])"
        )
        guard let allowed else {
            Issue.record("the pattern is wrong")
            return
        }
        for _ in 0..<3_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                bytes += parts.randomElement(using: &generator) ?? []
            }
            var filter = TerminalFilter()
            var out: [UInt8] = []
            filter.append(bytes, to: &out)
            let text = String(decoding: out, as: UTF8.self)
            let rest = text.replacing(allowed, with: "")
            #expect(
                !rest.unicodeScalars.contains {
                    $0 == "\u{1B}" || $0 == "\u{7}" || (0x80...0x9F).contains($0.value)
                }, "\(bytes)")
        }
    }

    @Test("a string without an end hides no more than 64 KiB")
    func endless() {
        let text = "\u{1B}]0;" + String(repeating: "x", count: 70_000) + "visible"
        #expect(filtered(text).hasSuffix("visible"))
    }

    @Test("without controls there is text alone")
    func plain() {
        #expect(filtered("a\u{1B}[31mb\u{1B}[H\r\nc\u{8}", keepsControls: false) == "ab\nc")
    }

    @Test("a text is found across events, colours and case, once for each place")
    func search() {
        var search = TextSearch("Needle in")
        let pieces = ["hay nee", "\u{1B}[1mdle\u{1B}[0m", " IN hay", " nothing", " needle in needle i", "n"]
        var found: [Bool] = []
        for piece in pieces { found.append(search.finds(in: Array(piece.utf8))) }
        #expect(found == [false, false, true, false, true, true])
        var nothing = TextSearch("")
        let isFound = nothing.finds(in: [0x41])
        #expect(!isFound)
    }
}
