import CSupport
import Glibc

/// Plain threads, for code that blocks.
package enum Thread {
    /// Starts a detached thread with a stack of 512 KiB.
    ///
    /// - Parameter name: shown by ps and debuggers, 15 characters at most.
    /// - Throws: `SystemError` of pthread_create(3).
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, 512 * 1024)
        let context = unsafe Unmanaged.passRetained(ThreadBody(name: name, run: body))
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, &attributes, runThreadBody, context.toOpaque())
        if result != 0 {
            unsafe context.release()
            throw SystemError("pthread_create", number: result)
        }
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

private func runThreadBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let body = unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
    unsafe gh_name_thread(body.name)
    body.run()
    return nil
}
