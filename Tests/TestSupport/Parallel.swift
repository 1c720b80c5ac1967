internal import Glibc
internal import Support

/// Runs `body` on `count` threads and waits for all.
package func runInParallel(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let done = Gate()
    for index in 0..<count {
        do {
            try Thread.start("test") {
                body(index)
                done.open()
            }
        } catch {
            body(index)
            done.open()
        }
    }
    for _ in 0..<count { done.wait() }
}

/// A counting semaphore.
// The semaphore is made in `init`, never moves, and is reached only through sem_post and sem_wait.
@safe
private final class Gate: Sendable {
    // Set once; what it points to is made for use by several threads.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func open() {
        _ = unsafe sem_post(semaphore)
    }

    func wait() {
        while unsafe sem_wait(semaphore) != 0 {}
    }
}
