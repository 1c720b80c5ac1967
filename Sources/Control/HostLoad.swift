import Support

/// How busy a host is, and which programs of people go on there while nobody is logged in.
package struct HostLoad: Equatable, Sendable {
    /// Services told of, at the most.
    package static let serviceLimit = 1_024

    /// A program that keeps its user's place on the host: a terminal multiplexer, the server of an IDE.
    package struct Service: Hashable, Sendable {
        package var uid: UInt32
        /// Such as `tmux`; at most 32 bytes.
        package var name: String

        package init(uid: UInt32, name: String) {
            self.uid = uid
            self.name = name
        }
    }

    /// Processors that are in use; never 0 in what a host sends.
    package var processors: UInt32
    /// The load average of the last minute, in thousandths.
    package var load: UInt32
    /// Memory in bytes, and how much of it programs could have.
    package var memory: UInt64
    package var availableMemory: UInt64
    package var services: [Service]

    package init(
        processors: UInt32, load: UInt32, memory: UInt64, availableMemory: UInt64, services: [Service] = []
    ) {
        self.processors = processors
        self.load = load
        self.memory = memory
        self.availableMemory = availableMemory
        self.services = services
    }

    /// The larger of load per processor and used share of the memory, in thousandths; 0 to 100,000.
    package var pressure: Int {
        let perProcessor = Int(load) / Int(max(1, processors))
        let available = min(availableMemory, memory)
        let used = memory == 0 ? 0 : Int((Double(memory - available) / Double(memory) * 1_000).rounded())
        return min(max(perProcessor, used), 100_000)
    }
}

extension HostLoad {
    func encode(into out: inout WireWriter) {
        out.uint32(processors)
        out.uint32(load)
        out.uint64(memory)
        out.uint64(availableMemory)
        out.uint32(UInt32(services.count))
        for service in services {
            out.uint32(service.uid)
            out.string(service.name)
        }
    }

    init(from input: inout WireReader) throws(WireError) {
        self.init(
            processors: try input.uint32(), load: try input.uint32(), memory: try input.uint64(),
            availableMemory: try input.uint64())
        let count = try input.uint32()
        guard count <= Self.serviceLimit else { throw WireError("a list of \(count) services is too long") }
        for _ in 0..<count {
            let service = Service(uid: try input.uint32(), name: try input.string())
            guard service.name.utf8.count <= 32 else { throw WireError("a service's name is too long") }
            services.append(service)
        }
    }
}
