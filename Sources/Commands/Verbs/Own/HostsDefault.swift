import Authorization
import Directory
import Routing
import Support

/// Chooses where one gets without a target: `hosts default [NAME | --clear]` on the target `gate`.
package struct HostsDefault: DaemonCommand {
    package static let words = ["hosts", "default"]
    package static let summary = "Choose where you get without '+NAME', or say where that is"
    package static let usage = "[NAME | --clear]"
    package static let examples = ["hosts default gpu1", "hosts default --clear"]
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private enum Work {
        case show, clear
        case pin(String)
    }

    private let work: Work

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let clears = words.flag("--clear")
        let name = try words.optionalPositional()
        switch (name, clears) {
        case (let name?, false): work = .pin(name)
        case (nil, let clears): work = clears ? .clear : .show
        case (_?, true): throw UsageError("give a name or --clear, not both")
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "host list")
        switch work {
        case .show: break
        case .clear:
            try context.directory.setPin(nil, of: user)
            try context.record(Change(Self.self, ["user": user]))
        case .pin(let name):
            // Who may not go there is told the same as of a name that does not exist.
            let now = context.services.now()
            let router = Router(directory: context.directory)
            if case .settled(.refused(.unknownTarget(let target))) = try router.route(
                user: user, target: name, showing: .all, from: .anywhere, at: now)
            {
                throw CommandError(
                    .notFound, Refusal.unknownTarget(target).sentence,
                    hint: "'hosts' lists where you may go")
            }
            guard name != Router.gate else { throw UsageError("the gate is no place to work at") }
            try context.directory.setPin(name, of: user)
            try context.record(Change(Self.self, ["user": user, "target": name]))
        }
        return try context.sayDefault(of: user)
    }
}

extension CommandContext {
    fileprivate func sayDefault(of user: String) throws -> ExitCode {
        let pin = try directory.pin(of: user)
        let target = try Router(directory: directory).defaultTarget(of: user, at: services.now())
        guard let target else {
            try terminal.outLine("there is no host that you may reach")
            return .success
        }
        try terminal.outLine(target == pin ? "\(target), your own choice" : target)
        if let pin, pin != target { try terminal.errLine("your choice \(pin) cannot be reached any more") }
        return .success
    }
}
