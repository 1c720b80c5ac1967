import Authorization
import Testing

@Suite("Factors that grants can require")
struct FurtherFactorsTests {
    @Test("are read again as they were written", arguments: FurtherFactors.ascending.dropFirst())
    func roundTrip(_ factors: FurtherFactors) {
        #expect(FurtherFactors(text: factors.text) == factors)
        #expect(FurtherFactors(text: factors.nameList.reversed().joined(separator: ",")) == factors)
    }

    @Test(
        "are not read from anything else",
        arguments: [
            "", ",", "totp,", ",pam", "publickey", "TOTP", "totp,totp", "pam totp", "pam, totp", "none",
        ])
    func nonsense(_ text: String) { #expect(FurtherFactors(text: text) == nil) }

    @Test("are said in words")
    func words() {
        #expect(
            FurtherFactors.ascending.map(\.words) == [
                "", "a one-time code", "a password", "a password and a one-time code",
            ])
    }
}
