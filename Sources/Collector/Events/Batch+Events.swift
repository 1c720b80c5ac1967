package import FileEvents

extension NameChange {
    /// What the event of this change is called; nil: nothing of note happened.
    ///
    /// - Parameters:
    ///   - stat: the inode under its name after the batch; nil: there is none any more.
    ///   - now: nanoseconds since 1970, when the batch was read.
    package func kind(stat: FileStat?, now: Int64) -> FileEvent.Kind? {
        let isDirectory = has(FileNotice.Mask.directory)
        if destination != nil { return isDirectory ? .directoryRenamed : .renamed }
        if isOnlyDeletion || has(FileNotice.Mask.delete) && stat == nil {
            return isDirectory ? .directoryDeleted : .deleted
        }
        if has(FileNotice.Mask.create) {
            if isDirectory { return .directoryCreated }
            return (stat?.links ?? 1) > 1 ? .linked : .created
        }
        if has(FileNotice.Mask.modify) { return .written }
        if has(FileNotice.Mask.closeWrite), !has(FileNotice.Mask.attributes), let stat,
            now - stat.modified < Self.recently
        {
            return .written
        }
        return has(FileNotice.Mask.attributes) ? .modeChanged : nil
    }

    /// Whether a name went that was there before: nothing is left to be asked for.
    package var isOnlyDeletion: Bool {
        destination == nil && has(FileNotice.Mask.delete) && !has(FileNotice.Mask.create)
    }

    /// A file that was open for writing and is closed was written when its contents changed since then, in nanoseconds: memory
    /// that is mapped can be written without any other trace.
    private static let recently: Int64 = 2_000_000_000

    private func has(_ bits: UInt64) -> Bool { mask & bits != 0 }
}
