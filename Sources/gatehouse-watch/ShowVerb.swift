import FileEvents
import Glibc
import SSHKeys
import Shipping
import Support

/// Prints what segments hold, a JSON object on each line.
enum ShowVerb: Verb {
    static let name = "show"
    static let summary = "Print what segments hold, one JSON object on each line"
    static let usage = "show [--settings FILE] SEGMENT..."

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        let path = try words.option("--settings") ?? WatchSettings.path
        var files = [try words.positional("SEGMENT")]
        while let file = try? words.positional("SEGMENT") { files.append(file) }
        try words.finish()
        do {
            let settings = try WatchSettings.load(path)
            let key = try PrivateKey.publicKey(
                inFileContents: Descriptor.open(settings.keyPath, O_RDONLY).readAll(
                    limit: PrivateKey.fileLimit))
            for file in files {
                let bytes = try Descriptor.open(file, O_RDONLY).readAll(limit: SegmentLimits.fileSize)
                var reader = try SegmentReader(bytes, signedBy: key)
                while let records = try reader.next() {
                    for record in records { print(RecordLine(record, of: reader.header).text) }
                }
            }
            return .success
        } catch {
            throw Refusal(.failure, "\(error)")
        }
    }
}
