/// One message of the kernel's process connector.
package enum ProcessNotice: Hashable, Sendable {
    case forked(parent: UInt32, child: UInt32)
    case executed(UInt32)
    /// The effective uid is another one now.
    case changedUser(UInt32, uid: UInt32)
    /// It began a session of terminals: setsid(2).
    case beganSession(UInt32)
    case ended(UInt32)
    /// The kernel has heard the subscription; 0 is success.
    case acknowledged(UInt32)
}

extension ProcessNotice {
    private static let headerLength = 16
    private static let contentLength = 20
    /// CN_IDX_PROC and CN_VAL_PROC.
    private static let channel: (UInt32, UInt32) = (1, 1)

    private enum What {
        static let none: UInt32 = 0
        static let fork: UInt32 = 1
        static let exec: UInt32 = 2
        static let uid: UInt32 = 4
        static let sid: UInt32 = 0x80
        static let exit: UInt32 = 0x8000_0000
    }

    /// Takes apart one datagram; what is of another kind or not as it should be is left out.
    package static func decode(_ buffer: [UInt8], count: Int, into notices: inout [ProcessNotice]) {
        let bytes = MessageBytes(buffer, count: count)
        var offset = 0
        while let length = bytes.number(at: offset, as: UInt32.self).map(Int.init),
            length >= headerLength + contentLength, length <= bytes.count - offset
        {
            if let notice = one(bytes, at: offset + headerLength, end: offset + length) {
                notices.append(notice)
            }
            offset += (length + 3) & ~3
        }
    }

    private static func one(_ bytes: MessageBytes, at offset: Int, end: Int) -> ProcessNotice? {
        let event = offset + contentLength
        func field(_ index: Int) -> UInt32? {
            let position = event + 16 + 4 * index
            return position + 4 <= end ? bytes.number(at: position) : nil
        }
        guard bytes.number(at: offset, as: UInt32.self) == channel.0,
            bytes.number(at: offset + 4, as: UInt32.self) == channel.1,
            event + 16 <= end, let what = bytes.number(at: event, as: UInt32.self)
        else { return nil }
        switch what {
        case What.none: return field(0).map { .acknowledged($0) }
        case What.fork:
            // Threads have a process that is not their own number.
            guard let parent = field(1), let pid = field(2), let child = field(3), pid == child else {
                return nil
            }
            return .forked(parent: parent, child: child)
        case What.exec: return field(1).map { .executed($0) }
        case What.uid:
            guard let pid = field(1), let uid = field(3) else { return nil }
            return .changedUser(pid, uid: uid)
        case What.sid: return field(1).map { .beganSession($0) }
        case What.exit:
            guard let thread = field(0), let pid = field(1), thread == pid else { return nil }
            return .ended(pid)
        default: return nil
        }
    }
}
