import Glibc

/// A failed system call: its number and what was being done.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The value of `errno`.
    package let number: Int32

    /// What was attempted, such as `open /etc/gatehouse/gatehouse.conf`; never holds a secret.
    package let operation: String

    package init(_ operation: String, number: Int32 = errno) {
        self.number = number
        self.operation = operation
    }

    /// The system's text for the number, such as `No such file or directory`.
    package var reason: String {
        unsafe String(cString: strerror(number))
    }

    package var description: String { "\(operation): \(reason)" }
}

extension SystemError {
    /// Turns a C result of -1 into an error that carries `errno`.
    ///
    /// - Throws: `SystemError` when `result` is negative.
    @discardableResult
    package static func check<Result: SignedInteger>(
        _ result: Result, _ operation: @autoclosure () -> String
    ) throws(SystemError) -> Result {
        if result < 0 { throw SystemError(operation()) }
        return result
    }

    /// Turns the result of a `CSupport` function, `-errno` on failure, into an error.
    ///
    /// - Throws: `SystemError` when `result` is negative.
    @discardableResult
    package static func checkNegated<Result: SignedInteger>(
        _ result: Result, _ operation: @autoclosure () -> String
    ) throws(SystemError) -> Result {
        if result < 0 { throw SystemError(operation(), number: Int32(-result)) }
        return result
    }
}
