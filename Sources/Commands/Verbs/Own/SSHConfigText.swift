import Directory
import Routing
import SSHKeys
import Support

/// What a person's `~/.ssh/config` and known_hosts are to say of the gateway and the places behind it.
struct SSHConfigText {
    /// A host or pool that the person may reach.
    struct Place {
        let name: String
        /// Of the host, or of all hosts of the pool.
        let keys: [KeyMaterial]
        /// Whether a jump may lead there, past the recording.
        let mayJump: Bool
        /// Whether a jump has to go through a login that names the place, since it is asked for something there.
        let isAsked: Bool
    }

    /// How all entries name the gateway in known_hosts.
    private static let alias = "gatehouse"
    /// The entry through which jumps go; that of a place where something is asked has its name behind it.
    private static let jump = "gatehouse-jump"

    let user: String
    let endpoint: Endpoint
    let gatewayKeys: [PublicKey]
    let places: [Place]

    /// Collects what the person may reach.
    init(of user: String, through endpoint: Endpoint, in context: CommandContext) throws {
        let now = context.services.now()
        let hosts = try context.directory.reachableHosts(of: user, at: now)
        let asking = try Set(
            hosts.map(\.host.name).filter { host in
                let entry = try context.directory.entry(
                    of: user, to: host, showing: [], from: .anywhere, isJump: true, at: now)
                if case .lacking = entry { return true } else { return false }
            })
        let pools = try context.directory.reachablePools(of: user, at: now).map { pool in
            let members = hosts.filter { pool.hosts.contains($0.host.name) }
            return Place(
                name: pool.name, keys: members.flatMap(\.host.keys),
                mayJump: members.contains(where: \.mayJump),
                isAsked: members.contains { asking.contains($0.host.name) })
        }
        // A host and a pool never have the same name.
        places =
            (pools
            + hosts.map {
                Place(
                    name: $0.host.name, keys: $0.host.keys, mayJump: $0.mayJump,
                    isAsked: asking.contains($0.host.name))
            }).sorted { $0.name < $1.name }
        self.user = user
        self.endpoint = endpoint
        gatewayKeys = context.services.gateway.hostKeys
    }

    private var jumps: [Place] { places.filter { $0.mayJump && !$0.keys.isEmpty } }

    /// By what the gateway, and the hosts behind jumps, are known.
    var knownHosts: [String] {
        gatewayKeys.map { "\(Self.alias) \(KeyText.line(of: $0))" }
            + jumps.flatMap { place in
                place.keys.map { "\(place.name).\(Self.alias) \($0.type) \(Base64.encode($0.blob))" }
            }
    }

    /// The entries: each place by its name, through the gateway, which records what it is told to; and by `NAME-direct`, where that
    /// may be, end to end.
    ///
    /// - Parameter knownHostsFile: where `knownHosts` is kept; nil: among what the person knows already.
    func entries(knownHostsFile: String? = nil) -> String {
        let known = knownHostsFile.map { "    UserKnownHostsFile \($0) ~/.ssh/known_hosts\n" } ?? ""
        let gateway = "    HostName \(endpoint.address)\n    Port \(endpoint.port)\n"
        let more = "    HostKeyAlias \(Self.alias)\n\(known)    ServerAliveInterval 15\n"
        var text = ""
        for name in ["gate"] + places.map(\.name) {
            text += "\nHost \(name)\n\(gateway)    User \(user)+\(name)\n\(more)"
        }
        if jumps.contains(where: { !$0.isAsked }) {
            text += "\nHost \(Self.jump)\n\(gateway)    User \(user)\n\(more)"
        }
        for place in jumps {
            var jump = Self.jump
            if place.isAsked {
                jump += "-\(place.name)"
                text += "\nHost \(jump)\n\(gateway)    User \(user)+\(place.name)\n\(more)"
            }
            text += """

                Host \(place.name)-direct
                    HostName \(place.name)
                    User \(user)
                    ProxyJump \(jump)
                    HostKeyAlias \(place.name).\(Self.alias)
                \(known)    ServerAliveInterval 15

                """
        }
        return text
    }

    /// A program for a POSIX shell that puts all of it below `~/.ssh`: two files of its own, and one line in `config`, whose
    /// other contents stay. Each file is replaced in one step; a second run changes nothing.
    var installer: String {
        // Names, addresses and keys hold no line with the end mark.
        """
        set -eu
        umask 077
        folder=${HOME:?}/.ssh
        mkdir -p "$folder"
        put() {
            cat >"$folder/.$1.$$"
            mv -f "$folder/.$1.$$" "$folder/$1"
        }
        put gatehouse_known_hosts <<'END-OF-GATEHOUSE'
        \(knownHosts.joined(separator: "\n"))
        END-OF-GATEHOUSE
        put gatehouse.conf <<'END-OF-GATEHOUSE'
        # Gatehouse: written by 'ssh-config --install'; changes here are lost.
        \(entries(knownHostsFile: "~/.ssh/gatehouse_known_hosts"))END-OF-GATEHOUSE
        config=$folder/config
        # Of a link, the file that it leads to.
        if [ -L "$config" ]; then config=$(readlink -f "$config"); fi
        if ! grep -qxF 'Include gatehouse.conf' "$config" 2>/dev/null; then
            {
                printf 'Include gatehouse.conf\\n\\n'
                if [ -e "$config" ]; then cat "$config"; fi
            } >"$config.$$"
            mv -f "$config.$$" "$config"
        fi
        echo "gatehouse: try 'ssh gate hosts'" >&2

        """
    }
}
