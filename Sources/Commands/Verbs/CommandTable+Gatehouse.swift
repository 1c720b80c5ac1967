extension CommandTable {
    /// Every command of Gatehouse.
    package static let gatehouse = CommandTable([
        Help.self, Version.self,
    ])
}
