/// What the book cannot do with what it was given or what it holds.
package struct BookError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A row of the book does not follow its format.
        case corrupt
        /// A path that cannot be one: an empty, a `.` or a `..` component, a NUL, or too long a name.
        case badPath
        /// No such tree or scan.
        case notFound
        /// Another scan of the tree is under way.
        case busy
    }

    /// What went wrong; code switches on this.
    package let code: Code
    /// One line for people.
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}
