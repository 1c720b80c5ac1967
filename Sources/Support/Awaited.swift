import Glibc

/// A value that several threads share, and for whose state they can wait.
// Nobody outside sees the pointers or the value except through the methods.
@safe
package final class Awaited<Value: Sendable>: Sendable {
    // Reached only through pthread calls.
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    // Reached only through pthread calls.
    private nonisolated(unsafe) let changed: UnsafeMutablePointer<pthread_cond_t>
    // Touched only while the mutex is held.
    private nonisolated(unsafe) var value: Value

    package init(_ value: Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe changed = .allocate(capacity: 1)
        unsafe changed.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        defer { unsafe pthread_condattr_destroy(&attributes) }
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe self.value = value
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe changed.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Changes the value, alone, and wakes who waits for it.
    package func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        let result = unsafe body(&value)
        unsafe pthread_cond_broadcast(changed)
        return result
    }

    /// Changes the value, alone, and wakes who waits for it only if `body` says so besides its result.
    package func changeQuietly<Result: Sendable>(
        _ body: (inout Value) -> (result: Result, wakes: Bool)
    ) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        let (result, wakes) = unsafe body(&value)
        if wakes { unsafe pthread_cond_broadcast(changed) }
        return result
    }

    /// Waits until `body` gives something; it runs alone, first at once and then after each change.
    package func wait<Result: Sendable>(for body: (inout Value) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = unsafe body(&value) { return result }
            unsafe pthread_cond_wait(changed, mutex)
        }
    }

    /// The same, until `deadline` at the latest; nil: `body` has given nothing by then.
    package func wait<Result: Sendable>(
        until deadline: MonotonicTime, for body: (inout Value) -> Result?
    ) -> Result? {
        let (seconds, nanoseconds) = deadline.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = unsafe body(&value) { return result }
            guard .now < deadline else { return nil }
            unsafe pthread_cond_timedwait(changed, mutex, &time)
        }
    }
}
