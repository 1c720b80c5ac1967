import Glibc

/// A value that several threads share, guarded by a pthread mutex.
///
/// A pthread mutex rather than `Synchronization.Mutex`, which ThreadSanitizer cannot see through on Linux.
/// Call out of `withLock` never, wait in it never.
// Nobody outside sees the pointer or the value except through `withLock`.
@safe
package final class Locked<Value>: Sendable {
    // The mutex is reached only through pthread calls.
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    // Touched only while the mutex is held.
    private nonisolated(unsafe) var value: Value

    package init(_ value: sending Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe self.value = value
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the value, alone.
    package func withLock<Result, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value)
    }
}
