internal import Support

/// The words after `gatehouse-ssm`.
package struct TunnelOptions: Equatable, Sendable {
    package static let usage = """
        usage: gatehouse-ssm [--region REGION] [--port PORT] [--banner-timeout SECONDS] [--reason TEXT] INSTANCE

        Joins standard input and output to a port of an EC2 instance through Session Manager, as ssh's ProxyCommand:
        ssh -o ProxyCommand='gatehouse-ssm %h' ec2-user@i-0123456789abcdef0
        """

    /// Nil: AWS's standard chain says it.
    package var region: String?
    /// TCP port of the instance, 1 to 65,535.
    package var port: UInt16 = 22
    /// How long the port may keep silent, 1 to 60 s; nil: as `TunnelLimits` has it.
    package var bannerTimeout: Duration?
    /// Where credentials are read from to the end; nil: the standard chain finds them. For the daemon,
    /// which reads on standard error what session was opened.
    package var credentialsDescriptor: Int32?
    /// Shown in AWS's list of sessions.
    package var reason = "gatehouse-ssm"
    /// The instance's or the managed node's identifier.
    package var instanceID: String

    /// Reads the words.
    ///
    /// - Throws: `ChannelError` with code `unsupported`, and the reason.
    package init(_ words: some Sequence<String>) throws(ChannelError) {
        var rest = Array(words)[...]
        var instance: String?
        func value(of option: String) throws(ChannelError) -> String {
            guard let value = rest.popFirst(), !value.isEmpty else {
                throw ChannelError(.unsupported, "\(option) needs a value")
            }
            return value
        }
        while let word = rest.popFirst() {
            switch word {
            case "--region": region = try value(of: word)
            case "--reason": reason = try value(of: word)
            case "--credentials-descriptor":
                guard let number = Int32(try value(of: word)), number > 2 else {
                    throw ChannelError(.unsupported, "--credentials-descriptor needs a number above 2")
                }
                credentialsDescriptor = number
            case "--port":
                guard let number = UInt16(try value(of: word)), number > 0 else {
                    throw ChannelError(.unsupported, "--port needs a number from 1 to 65535")
                }
                port = number
            case "--banner-timeout":
                guard let seconds = Int(try value(of: word)), (1...60).contains(seconds) else {
                    throw ChannelError(.unsupported, "--banner-timeout needs seconds from 1 to 60")
                }
                bannerTimeout = .seconds(seconds)
            case _ where word.hasPrefix("-"):
                throw ChannelError(.unsupported, "there is no option '\(word.printable)'")
            default:
                guard instance == nil else { throw ChannelError(.unsupported, "one instance at a time") }
                instance = word
            }
        }
        guard let instance else { throw ChannelError(.unsupported, "no instance is named") }
        guard Self.isInstanceID(instance) else {
            throw ChannelError(
                .unsupported, "'\(instance.printable)' is no instance: i- or mi- and hexadecimal digits")
        }
        instanceID = instance
    }

    private static func isInstanceID(_ text: String) -> Bool {
        guard let hyphen = text.firstIndex(of: "-") else { return false }
        let digits = text[hyphen...].dropFirst()
        return ["i", "mi"].contains(text[..<hyphen]) && (8...32).contains(digits.utf8.count)
            && digits.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
