import Glibc

/// Signals that are waited for instead of interrupting; made before any other thread, so that all threads block them.
package struct SignalQueue {
    private var set = sigset_t()

    /// Blocks `signals`, and SIGPIPE for good: a peer that is gone is an error of write(2).
    package init(_ signals: [Int32]) {
        signal(SIGPIPE, SIG_IGN)
        unsafe sigemptyset(&set)
        for number in signals { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for the next one.
    package func next() -> Int32 {
        var set = set
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number
    }
}
