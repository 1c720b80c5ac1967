import Front
import Testing

@Suite("Limits of connections")
struct ConnectionLimitsTests {
    private var limits = ConnectionLimits(
        maximumConnections: 4, maximumStartups: 3, maximumStartupsPerAddress: 2)

    @Test("one address may not take all startups")
    mutating func perAddress() throws {
        try limits.open(from: "a")
        try limits.open(from: "a")
        #expect(throws: ConnectionLimits.Refusal.maxStartupsPerAddress) { try limits.open(from: "a") }
        try limits.open(from: "b")
        #expect(throws: ConnectionLimits.Refusal.maxStartups) { try limits.open(from: "c") }
    }

    @Test("one network of IPv6 counts as one address")
    mutating func perNetwork() throws {
        try limits.open(from: "2001:db8:1:2::1")
        try limits.open(from: "2001:db8:1:2:ffff::9")
        #expect(throws: ConnectionLimits.Refusal.maxStartupsPerAddress) {
            try limits.open(from: "2001:db8:1:2::3")
        }
        limits.close(from: "2001:db8:1:2::1", authenticated: false)
        try limits.open(from: "2001:db8:1:2::3")
    }

    @Test("a login or an end makes room for a startup")
    mutating func makesRoom() throws {
        try limits.open(from: "a")
        try limits.open(from: "a")
        limits.authenticated(from: "a")
        try limits.open(from: "a")
        limits.close(from: "a", authenticated: false)
        try limits.open(from: "a")
        #expect(limits.startups == 2)
        #expect(limits.connections == 3)
    }

    @Test("sessions that are logged in count as connections only")
    mutating func connections() throws {
        limits.adopt()
        for _ in 0..<3 {
            try limits.open(from: "a")
            limits.authenticated(from: "a")
        }
        #expect(throws: ConnectionLimits.Refusal.maxConnections) { try limits.open(from: "b") }
        limits.closeAdopted()
        limits.close(from: "a", authenticated: true)
        try limits.open(from: "b")
        #expect(limits.connections == 3)
        #expect(limits.startups == 1)
    }
}
