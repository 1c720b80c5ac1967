package import Support

/// A value as SQLite stores it.
package enum Value: Equatable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
}

/// What a statement's parameter can be.
package protocol Bindable {
    /// The value to store.
    var stored: Value { get }
}

extension Value: Bindable {
    package var stored: Value { self }
}

extension Int64: Bindable {
    package var stored: Value { .integer(self) }
}

extension Int: Bindable {
    package var stored: Value { .integer(Int64(self)) }
}

extension Int32: Bindable {
    package var stored: Value { .integer(Int64(self)) }
}

extension UInt32: Bindable {
    package var stored: Value { .integer(Int64(self)) }
}

extension UInt16: Bindable {
    package var stored: Value { .integer(Int64(self)) }
}

extension Bool: Bindable {
    package var stored: Value { .integer(self ? 1 : 0) }
}

extension String: Bindable {
    package var stored: Value { .text(self) }
}

extension [UInt8]: Bindable {
    package var stored: Value { .blob(self) }
}

extension Timestamp: Bindable {
    /// Milliseconds since the epoch.
    package var stored: Value { .integer(milliseconds) }
}

extension Optional: Bindable where Wrapped: Bindable {
    package var stored: Value { self?.stored ?? .null }
}
