import FuzzParsers
import Glibc

/// Which parser: read once, at the first input.
private let parser: FuzzedParser = {
    guard let name = unsafe getenv("FUZZ_PARSER").map({ unsafe String(cString: $0) }),
        let parser = FuzzedParser(rawValue: name)
    else {
        print("FUZZ_PARSER names one of: \(FuzzedParser.allCases.map(\.rawValue).joined(separator: " "))")
        exit(64)
    }
    return parser
}()

/// What libFuzzer calls with each input (https://llvm.org/docs/LibFuzzer.html).
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe parser.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
