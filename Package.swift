// swift-tools-version: 6.2
import PackageDescription

/// The settings every Swift target shares: language mode 6, strict memory safety, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Release programs link the part of the C++ library that the Swift runtime needs, pack their relocations and export nothing: one of
/// them starts for every connection, and what the dynamic linker does then is a good part of a short session's cost.
let lean: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-L\(Context.packageDirectory)/scripts/link", "-Xclang-linker", "-static-libgcc",
            "-Xlinker", "--no-export-dynamic", "-Xlinker", "-zpack-relative-relocs",
        ], .when(configuration: .release))
]

func module(_ name: String, uses dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target
{
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func program(_ name: String, uses dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: lean)
}

func tests(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies, swiftSettings: strict
    )
}

let package = Package(
    name: "gatehouse",
    products: [
        .executable(name: "gatehoused", targets: ["gatehoused"]),
        .executable(name: "gatehouse-front", targets: ["gatehouse-front"]),
        .executable(name: "gatehouse-session", targets: ["gatehouse-session"]),
        .executable(name: "gatehouse-record", targets: ["gatehouse-record"]),
        .executable(name: "gatehouse-pam", targets: ["gatehouse-pam"]),
        .executable(name: "gatehouse-ssm", targets: ["gatehouse-ssm"]),
        .executable(name: "gatehouse", targets: ["gatehouse"]),
        .executable(name: "gatehouse-watch", targets: ["gatehouse-watch"]),
    ],
    targets: [
        // C libraries of the system, and the little C of our own.
        .systemLibrary(name: "CLibSSH"),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "CExpat"),
        .systemLibrary(name: "CZstd"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CSeccomp"),
        .systemLibrary(name: "COath"),
        .systemLibrary(name: "CPAM"),
        .systemLibrary(name: "CQREncode"),
        .target(name: "CReadAhead", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .target(name: "CSupport", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .target(name: "CWatch", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),

        // Leaves: the operating system, formats, protocols, libraries.
        module("Support", uses: ["CSupport"]),
        module("Sandbox", uses: ["CSeccomp", "CSupport", "Support"]),
        module("Digests", uses: ["COpenSSL"]),
        module("FileTransfers", uses: ["Digests", "Support"]),
        module("Authorization", uses: ["Support"]),
        module("Control", uses: ["Authorization", "FileTransfers", "Support"]),
        module("Recording", uses: ["CSupport", "CZstd", "Control", "Support"]),
        module("PAM", uses: ["CPAM", "CSupport", "Control", "Support"]),
        module("SSHKeys", uses: ["COpenSSL", "Support"]),
        module("SSH", uses: ["CLibSSH", "COpenSSL", "CReadAhead", "CSupport", "Support"]),
        module("SQLite", uses: ["CSQLite", "Support"]),
        module("Configuration", uses: ["Support"]),
        module("FileEvents", uses: ["COpenSSL", "Digests", "CZstd", "SSHKeys", "Support"]),
        module("AWS", uses: ["CCurl", "CExpat", "COpenSSL", "Support"]),

        // The domain: knows nothing of SSH, processes or the command line.
        module("Directory", uses: ["Authorization", "SQLite", "Support"]),
        module("Audit", uses: ["SQLite", "SSHKeys", "Support"]),
        module("Authentication", uses: ["Configuration", "Directory", "SQLite", "SSHKeys", "Support"]),
        module(
            "OneTimeCodes",
            uses: [
                "Authentication", "COath", "COpenSSL", "CQREncode", "Configuration", "Directory", "SSHKeys",
                "Support",
            ]),
        module(
            "Accounts", uses: ["Authorization", "Directory", "SQLite", "Support"],
            resources: [.embedInCode("HostStep")]),
        module("Routing", uses: ["Authorization", "Directory", "Support"]),
        module("Ownership", uses: ["FileEvents", "SQLite", "Support"]),
        module("Scanner", uses: ["CSupport", "FileEvents", "Ownership", "Support"]),

        module("Inventory", uses: ["Directory", "SSHKeys", "Support"]),
        module(
            "Power", uses: ["Accounts", "Directory", "Support"], resources: [.embedInCode("HostMeasure")]),

        // The cloud in which the hosts are.
        module("SessionManager", uses: ["AWS", "CCurl", "COpenSSL", "CSupport", "Sandbox", "Support"]),
        module(
            "Fleet", uses: ["AWS", "Accounts", "CZlib", "Directory", "Inventory", "Power", "Support"],
            resources: [.embedInCode("HostCarrier")]),

        // What is done on hosts as root, besides accounts: Python programs that are sent there.
        module(
            "Watchers", uses: ["Accounts", "Digests", "Directory", "SSHKeys", "Support"],
            resources: [.embedInCode("WatchStep")]),
        module(
            "Sharing", uses: ["Accounts", "Directory", "SQLite", "Support"],
            resources: [.embedInCode("FileStep")]),

        // On a host: what its watcher saw, to the gateway. Without Foundation, as all that gatehouse-watch links.
        module("Shipping", uses: ["Control", "Support"]),

        // What watches a host's files. Above no database.
        module("Collector", uses: ["CWatch", "FileEvents", "SSHKeys", "Shipping", "Support"]),

        // The doors: hold no rules.
        module("Front", uses: ["CSupport", "Configuration", "Control", "Sandbox", "Support"]),
        module(
            "Relay",
            uses: ["Authorization", "CSupport", "SSH", "Control", "FileTransfers", "Sandbox", "Support"]),
        module(
            "Commands",
            uses: [
                "Accounts", "Audit", "Authentication", "Authorization", "Configuration", "Control",
                "Directory", "FileEvents", "Inventory", "OneTimeCodes", "Ownership", "Power", "Recording",
                "Routing", "SQLite", "SSHKeys", "Sharing", "Support",
                "Watchers",
            ]),
        module(
            "Monitor",
            uses: [
                "AWS", "Accounts", "Audit", "Authentication", "Authorization", "Commands", "Configuration",
                "Control",
                "Directory",
                "FileEvents", "FileTransfers", "Fleet", "Front", "Inventory", "OneTimeCodes", "Ownership",
                "Power", "Recording", "Routing", "SQLite", "SSHKeys", "Sandbox", "Sharing", "Shipping",
                "Support", "Watchers",
            ]),

        program("gatehoused", uses: ["Monitor", "Configuration", "Support"]),
        program("gatehouse-front", uses: ["Front"]),
        program("gatehouse-session", uses: ["Relay", "Support"]),
        program("gatehouse-record", uses: ["Recording", "Sandbox", "Support"]),
        program("gatehouse-pam", uses: ["PAM"]),
        program("gatehouse-ssm", uses: ["SessionManager", "Support"]),
        program("gatehouse", uses: ["Commands", "Support"]),
        // Runs on the hosts, whatever they have installed: glibc and all libraries are in its release build.
        .executableTarget(
            name: "gatehouse-watch",
            dependencies: [
                "CSupport", "Collector", "FileEvents", "Ownership", "SSHKeys", "Scanner", "Shipping",
                "Support",
            ],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),

        // Stands in for hosts where the book is tested and measured.
        .executableTarget(
            name: "book-producer", dependencies: ["FileEvents", "Ownership", "SSHKeys", "Support"],
            path: "Tests/BookProducer", swiftSettings: strict),
        // Tries what a sandbox forbids.
        .executableTarget(
            name: "sandbox-probe", dependencies: ["Sandbox", "SandboxActs"], path: "Tests/SandboxProbe",
            swiftSettings: strict),
        .target(
            name: "SandboxActs", path: "Tests/SandboxActs",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        // What fuzzing feeds, and the test that feeds it what was found.
        .target(
            name: "FuzzParsers",
            dependencies: [
                "AWS", "Accounts", "Authentication", "Configuration", "Control", "FileEvents",
                "FileTransfers", "Front", "Recording", "SSHKeys", "SessionManager", "Support",
            ], path: "Tests/Fuzz/Parsers", swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzParsers"], swiftSettings: strict),
        // What tests of several modules use.
        .target(
            name: "TestSupport", dependencies: ["Support"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("Support", uses: ["CSupport", "TestSupport"]),
        tests("Sandbox", uses: ["Support", "sandbox-probe"]),
        tests("Digests"),
        tests("FileTransfers", uses: ["Digests", "Support"]),
        tests("Authorization"),
        tests("Control", uses: ["Authorization", "FileTransfers", "Support", "TestSupport"]),
        tests("PAM", uses: ["Control", "Support", "TestSupport"]),
        tests("Recording", uses: ["Control", "Support", "TestSupport"]),
        tests("SSHKeys", uses: ["Support", "TestSupport"]),
        tests("SSH", uses: ["CReadAhead", "Support", "TestSupport"]),
        tests("SQLite", uses: ["Support", "TestSupport"]),
        tests("FileEvents", uses: ["SSHKeys", "Support", "TestSupport"]),
        tests("Collector", uses: ["FileEvents", "SSHKeys", "Support", "TestSupport"]),
        tests("Configuration", uses: ["Support", "TestSupport"]),
        tests("SessionManager", uses: ["AWS", "Support", "TestSupport"]),
        .testTarget(
            name: "AWSTests", dependencies: ["AWS", "Support", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: strict),
        tests("Directory", uses: ["Authorization", "SQLite", "Support", "TestSupport"]),
        tests("Audit", uses: ["SQLite", "SSHKeys", "Support", "TestSupport"]),
        tests(
            "Authentication",
            uses: ["Configuration", "Directory", "SQLite", "SSHKeys", "Support", "TestSupport"]),
        tests(
            "OneTimeCodes", uses: ["Authentication", "Configuration", "Directory", "Support", "TestSupport"]),
        tests("Accounts", uses: ["Authorization", "Directory", "SQLite", "Support", "TestSupport"]),
        tests("Routing", uses: ["Authorization", "Directory", "SQLite", "Support", "TestSupport"]),
        tests("Scanner", uses: ["FileEvents", "Ownership", "Support", "TestSupport"]),
        tests("Ownership", uses: ["FileEvents", "SQLite", "SSHKeys", "Support", "TestSupport"]),
        tests("Inventory", uses: ["Directory", "SSHKeys", "SQLite", "Support", "TestSupport"]),
        tests("Fleet", uses: ["AWS", "Accounts", "Directory", "Inventory", "Support"]),
        tests("Power", uses: ["Accounts", "Directory", "Support"]),
        tests("Sharing", uses: ["Accounts", "Directory", "Support", "TestSupport"]),
        tests("Watchers", uses: ["Accounts", "Directory", "SSHKeys", "Support", "TestSupport"]),
        tests("Shipping", uses: ["Control", "Support", "TestSupport"]),
        tests("Front", uses: ["Configuration", "Control", "Support", "TestSupport"]),
        tests("Relay", uses: ["Control", "SSH", "Support"]),
        tests(
            "Commands",
            uses: [
                "Accounts", "Audit", "Authentication", "Authorization", "Configuration", "Control",
                "Directory", "FileEvents", "Inventory", "OneTimeCodes", "Ownership", "Recording", "SQLite",
                "SSHKeys", "Sharing", "Support", "TestSupport", "Watchers",
            ]),
        tests(
            "Monitor",
            uses: [
                "Audit", "Authentication", "Authorization", "Configuration", "Control", "Directory",
                "FileTransfers", "Routing", "SQLite", "SSHKeys", "Support", "TestSupport",
            ]),
    ]
)

// libFuzzer brings main() along: only Tests/Fuzz/run builds this.
if Context.environment["GATEHOUSE_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "gatehouse-fuzz", dependencies: ["FuzzParsers"], path: "Tests/Fuzz/Target",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
