/// A POSIX access ACL, read from the kernel's attribute. Whoever has the rights of the owner is not asked about here.
struct AccessRules {
    /// As the bits of a mode. One at a time: several might come from several entries.
    enum Permission: UInt32 {
        case read = 4
        case search = 1
    }

    /// What an entry is about.
    private enum Tag: UInt16 {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case other = 0x20
    }

    private struct Entry {
        var tag: Tag
        var bits: UInt32
        var id: UInt32
    }

    private var entries: [Entry] = []
    private static let version: UInt32 = 2

    /// - Parameter attribute: `system.posix_acl_access`: the version, then tag 2, bits 2 and id 4 bytes of each entry, little-endian.
    /// - Returns: nil for anything that the kernel would not have written.
    init?(_ attribute: [UInt8]) {
        guard attribute.count >= 4, attribute.count % 8 == 4,
            attribute.number(at: 0, byteCount: 4) == Self.version
        else { return nil }
        for offset in stride(from: 4, to: attribute.count, by: 8) {
            let bits = attribute.number(at: offset + 2, byteCount: 2)
            guard let tag = Tag(rawValue: UInt16(attribute.number(at: offset, byteCount: 2))), bits <= 7
            else {
                return nil
            }
            entries.append(Entry(tag: tag, bits: bits, id: attribute.number(at: offset + 4, byteCount: 4)))
        }
        for tag in [Tag.owner, .owningGroup, .mask, .other] {
            let count = entries.count { $0.tag == tag }
            let isNeeded = tag != .mask || entries.contains { $0.tag == .user || $0.tag == .group }
            guard count == 1 || count == 0 && !isNeeded else { return nil }
        }
    }

    /// Whether somebody who is not the owner has a permission: by an entry of their own; else by those of their groups, if any; else by that
    /// of all others.
    func allows(_ permission: Permission, uid: UInt32, owningGroup: UInt32, groups: Set<UInt32>) -> Bool {
        let mask = entries.first { $0.tag == .mask }?.bits ?? 7
        func grants(_ entry: Entry) -> Bool { entry.bits & permission.rawValue != 0 }
        func isMasked() -> Bool { mask & permission.rawValue == 0 }
        if let own = entries.first(where: { $0.tag == .user && $0.id == uid }) {
            return grants(own) && !isMasked()
        }
        let shared = entries.filter { entry in
            switch entry.tag {
            case .owningGroup: groups.contains(owningGroup)
            case .group: groups.contains(entry.id)
            default: false
            }
        }
        if !shared.isEmpty { return shared.contains(where: grants) && !isMasked() }
        return entries.contains { $0.tag == .other && grants($0) }
    }
}

extension [UInt8] {
    /// A little-endian number; all of its bytes are there.
    fileprivate func number(at offset: Int, byteCount: Int) -> UInt32 {
        self[offset..<offset + byteCount].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
