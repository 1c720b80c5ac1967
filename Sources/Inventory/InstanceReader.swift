package import Directory

/// Where inventories come from: the cloud.
package protocol InstanceReader: Sendable {
    /// The region that is asked.
    ///
    func region() throws(InventoryError) -> String

    /// Asks for the instances that are selected, and for those that are hosts. Blocks.
    ///
    /// - Parameter known: instances of other regions are not asked for.
    /// - Throws: when any of the questions was not answered; nothing is known then.
    func read(
        _ selections: [InstanceSelection], known: [HostInstance]
    ) throws(InventoryError) -> InventoryAnswer
}
