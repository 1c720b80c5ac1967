/// How a host is used, and what comes of it.
package struct IdleReport: Equatable, Sendable {
    package var state: IdleState
    /// When it is stopped if nobody comes; nil: it is not.
    package var stopsIn: Duration?

    package init(state: IdleState, stopsIn: Duration? = nil) {
        self.state = state
        self.stopsIn = stopsIn
    }

    /// `idle 34m, stopped in 11m`.
    package var text: String {
        stopsIn.map { "\(state.text), stopped in \(IdleState.short($0))" } ?? state.text
    }
}
