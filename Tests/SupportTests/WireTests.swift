import Support
import Testing

@Suite("Wire format")
struct WireTests {
    @Test("what is written is read back")
    func roundTrip() throws {
        var out = WireWriter()
        out.byte(0xAB)
        out.boolean(true)
        out.boolean(false)
        out.uint32(0x0102_0304)
        out.uint64(0x0102_0304_0506_0708)
        out.data([9, 8])
        out.string("Grüße")
        out.strings(["a", "", "c"])
        out.raw([7])
        #expect(
            out.bytes.prefix(15) == [
                0xAB, 1, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8,
            ])
        var input = WireReader(out.bytes)
        #expect(try input.byte() == 0xAB)
        #expect(try input.boolean())
        #expect(try !input.boolean())
        #expect(try input.uint32() == 0x0102_0304)
        #expect(try input.uint64() == 0x0102_0304_0506_0708)
        #expect(try input.data() == [9, 8])
        #expect(try input.string() == "Grüße")
        #expect(try input.strings() == ["a", "", "c"])
        #expect(input.remaining == 1)
        #expect(throws: WireError("1 bytes too many")) { try input.finish() }
        #expect(try input.raw(1) == [7])
        try input.finish()
    }

    @Test("a reader at the end, or with a length beyond it, says so")
    func tooShort() {
        let early = WireError("the message ends too early")
        #expect(throws: early) {
            var input = WireReader([])
            _ = try input.byte()
        }
        #expect(throws: early) {
            var input = WireReader([0, 0, 1])
            _ = try input.uint32()
        }
        #expect(throws: early) {
            var input = WireReader([0, 0, 0, 0, 0, 0, 1])
            _ = try input.uint64()
        }
        #expect(throws: early) {
            var input = WireReader([0, 0, 0, 2, 1])
            _ = try input.data()
        }
        #expect(throws: early) {
            var input = WireReader([1])
            _ = try input.raw(-1)
        }
    }

    @Test("lengths and counts that are too much are refused before anything is allocated")
    func tooMuch() {
        #expect(throws: WireError("a length of 4294967295 is too much")) {
            var input = WireReader([0xFF, 0xFF, 0xFF, 0xFF, 1])
            _ = try input.data()
        }
        #expect(throws: WireError("a list of 3 is too long")) {
            var input = WireReader([0, 0, 0, 3])
            _ = try input.strings(limit: 2)
        }
    }

    @Test("a text that is not UTF-8 is refused")
    func notText() {
        #expect(throws: WireError("a text is not UTF-8")) {
            var input = WireReader([0, 0, 0, 1, 0xFF])
            _ = try input.string()
        }
    }
}
