import Control
import Support
import Testing

@Suite("Messages of a conversation with PAM")
struct PAMMessageTests {
    private static let samples: [PAMMessage] = [
        .start(
            .init(service: "gatehouse", folder: "", user: "alice", address: "::1", mayChangePassword: true)),
        .start(
            .init(
                service: "other", folder: "/srv/pam.d", user: "bob", address: "192.0.2.1",
                mayChangePassword: false)),
        .ask(Questions(prompts: [])),
        .ask(
            Questions(
                instruction: "Your password has expired.\n",
                prompts: [.init("New: ", isEchoed: false), .init("Number: ", isEchoed: true)])),
        .answers([]), .answers([[], [0x70, 0xFF, 0x00]]), .done(failure: nil), .done(failure: "no"),
        .unavailable("no stack"),
    ]

    @Test("come back as they were sent", arguments: samples)
    func roundTrip(_ message: PAMMessage) throws {
        #expect(try PAMMessage(decoding: message.encoded) == message)
    }

    @Test("that are cut off or go on are none", arguments: samples)
    func length(_ message: PAMMessage) {
        let bytes = message.encoded
        for count in bytes.indices {
            #expect(throws: WireError.self) { try PAMMessage(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: WireError.self) { try PAMMessage(decoding: bytes + [0]) }
    }

    @Test("that were damaged trap nowhere, and what is accepted is one", arguments: samples)
    func damage(_ message: PAMMessage) throws {
        let bytes = message.encoded
        for place in bytes.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[place] = value
                guard let read = try? PAMMessage(decoding: damaged) else { continue }
                #expect(try PAMMessage(decoding: read.encoded) == read)
            }
        }
    }

    @Test("with more or longer answers than a person gives are none")
    func limits() {
        let many = [[UInt8]](repeating: [], count: Questions.countLimit + 1)
        let long = [[UInt8](repeating: 0x61, count: Questions.answerLimit + 1)]
        for answers in [many, long] {
            #expect(throws: WireError.self) {
                try PAMMessage(decoding: PAMMessage.answers(answers).encoded)
            }
        }
    }
}
