import Control
import Directory
import Support

extension HostCondition {
    var json: [String: JSON] {
        [
            "sessions": .integer(sessions), "answers": .boolean(failure == nil), "failure": .text(failure),
            "load": load?.json ?? .null,
        ]
    }

    /// Whose services keep them there: `tmux of alice`.
    func serviceTexts(in directory: DirectoryStore) throws -> [String] {
        try (load?.services ?? []).map { service in
            let user = try directory.findUser(uid: service.uid)?.name ?? "uid \(service.uid)"
            return "\(service.name.printable) of \(user)"
        }
    }
}

extension HostLoad {
    /// For a person: `0.42 on 8 processors, 31 % of 64 GiB used`.
    var text: String {
        let used = memory - min(availableMemory, memory)
        let share = memory == 0 ? 0 : Int((Double(used) / Double(memory) * 100).rounded())
        let hundredths = load / 10
        let digits = String(hundredths % 100)
        return "\(hundredths / 100).\(digits.count < 2 ? "0" : "")\(digits) on \(processors) processors, "
            + "\(share) % of \(Quantities.size(Int64(clamping: memory))) used"
    }

    var json: JSON {
        .object([
            "processors": .integer(processors), "load_thousandths": .integer(load),
            "memory_bytes": .integer(memory), "available_memory_bytes": .integer(availableMemory),
            "services": .array(
                services.map { .object(["uid": .integer($0.uid), "name": .string($0.name)]) }),
        ])
    }
}
