/// How far the start of a host's instance is, for the person who waits for it.
struct WakeNews: Equatable {
    let host: String
    /// What it waits for, such as `pending`.
    let state: String
    /// Since when it is waited for.
    let seconds: UInt32

    var sentence: String { "waking \(host): \(state), \(seconds) s" }
}

/// When news of a wake is worth a line where lines cannot be rewritten: each new state, and a word now and then.
struct WakeLines {
    private static let interval: UInt32 = 30
    private var last: WakeNews?

    /// Whether this is to be written.
    mutating func takes(_ news: WakeNews) -> Bool {
        if let last, last.host == news.host, last.state == news.state,
            news.seconds < last.seconds + Self.interval
        {
            return false
        }
        last = news
        return true
    }
}
