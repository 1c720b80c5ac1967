/// What a client that speaks scp's old protocol has the host run: `scp -t FILE`, `scp -r -p -f FILE`, ….
package struct SCPCommand: Equatable, Sendable {
    /// Who sends the files.
    let source: TransferPeer
    /// What stands after the options: words for the host's shell, as they are.
    let target: [UInt8]

    /// - Returns: nil for any other command.
    package init?(_ command: [UInt8]) {
        var words = command.split(separator: UInt8(ascii: " "))[...]
        guard words.popFirst().map({ Array($0) }) == Array("scp".utf8) else { return nil }
        var source: TransferPeer?
        while let word = words.first, word.first == UInt8(ascii: "-"), word.count > 1 {
            words.removeFirst()
            if word.elementsEqual("--".utf8) { break }
            // Any other option is for a scp that is a client itself.
            guard word.dropFirst().allSatisfy({ "rpdvqtf1246C".utf8.contains($0) }) else { return nil }
            if word.contains(UInt8(ascii: "t")) { source = .client }
            if word.contains(UInt8(ascii: "f")) { source = .host }
        }
        guard let source, let first = words.first else { return nil }
        self.source = source
        target = Array(command[first.startIndex...])
    }
}
