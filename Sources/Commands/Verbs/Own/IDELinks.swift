import Directory

/// Addresses that open a host in an IDE, for a browser or a chat.
struct IDELinks {
    private let name: String
    private let user: String
    private let endpoint: Endpoint

    init(to name: String, of user: String, through endpoint: Endpoint) {
        self.name = name
        self.user = user
        self.endpoint = endpoint
    }

    /// For VS Code, which goes by the entry of that name in `~/.ssh/config`.
    var vscode: String { "vscode://vscode-remote/ssh-remote+\(name)/home/\(user)" }

    /// For JetBrains Gateway, which needs no entry.
    var jetbrains: String {
        "jetbrains-gateway://connect#type=ssh&deploy=false&host=\(Self.escaped(endpoint.address))&port=\(endpoint.port)"
            + "&user=\(Self.escaped("\(user)+\(name)"))&projectPath=\(Self.escaped("/home/\(user)"))"
    }

    var json: JSON { .object(["vscode": .string(vscode), "jetbrains": .string(jetbrains)]) }

    /// As the value of a parameter, after RFC 3986.
    private static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                result.append(Character(Unicode.Scalar(byte)))
            case _ where "-._~".utf8.contains(byte): result.append(Character(Unicode.Scalar(byte)))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
    }
}
