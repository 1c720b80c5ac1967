/// A rule of the directory that a request breaks. Nothing has been changed.
package struct DirectoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of refusal it is.
    package enum Code: String, Sendable, CaseIterable {
        /// A name that does not have the form of one.
        case invalidName
        /// A name that belongs to the system or to Gatehouse itself.
        case reservedName
        /// A name that something has or, for users and groups, once had.
        case nameTaken
        case uidTaken
        case gidTaken
        /// A uid or gid outside of the configured range.
        case outOfRange
        /// The range has no number left.
        case rangeExhausted
        case notFound
        /// A public key that a user has already.
        case keyTaken
        case invalidKey
        /// Who has left cannot be changed any more.
        case userNotActive
        case invalidAddress
        /// What is no id of an instance, or no region.
        case invalidInstance
        /// A full name, shell, comment or time that cannot be stored.
        case invalidField
        /// Somebody may not do this themselves.
        case notPermitted
        /// More of something than there may be.
        case tooMany
        /// Something contradicts what is there.
        case conflict
        /// Not JSON, or not a directory.
        case invalidDocument
    }

    /// Which rule.
    ///
    /// Code switches on this; people read `detail`.
    package let code: Code

    /// What is wrong, as one sentence without a full stop.
    package let detail: String

    /// What to do about it, if that is known.
    package let hint: String?

    package init(_ code: Code, _ detail: String, hint: String? = nil) {
        self.code = code
        self.detail = detail
        self.hint = hint
    }

    package var description: String { hint.map { "\(detail) (\($0))" } ?? detail }

    /// The same error, with the entry it is about in front.
    func about(_ entry: String) -> DirectoryError {
        DirectoryError(code, "\(entry): \(detail)", hint: hint)
    }
}
