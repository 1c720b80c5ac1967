import Control
import Testing

@Suite("how busy a host is")
struct HostLoadTests {
    @Test(
        "is the larger of load per processor and used memory, in thousandths",
        arguments: [
            (1, 0, 100, 100, 0), (4, 2_000, 100, 90, 500), (4, 2_000, 100, 20, 800), (0, 300, 0, 0, 300),
            (1, 4_000_000_000, 100, 0, 100_000), (2, 0, 100, 400, 0),
            (1, 0, .max, 0, 1_000),
        ] as [(UInt32, UInt32, UInt64, UInt64, Int)])
    func pressure(
        _ processors: UInt32, _ load: UInt32, _ memory: UInt64, _ available: UInt64, _ expected: Int
    ) {
        let load = HostLoad(processors: processors, load: load, memory: memory, availableMemory: available)
        #expect(load.pressure == expected)
    }
}
