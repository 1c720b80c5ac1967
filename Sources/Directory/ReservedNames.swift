/// Names that no user and no group may have.
enum ReservedNames {
    /// True for a name that belongs to the system, a distribution, a cloud image, a service or Gatehouse.
    static func contains(_ name: String) -> Bool {
        name.hasPrefix("systemd-") || name.hasPrefix("gatehouse") || all.contains(name)
    }

    private static let all: Set<String> = Set(
        [superusers, images, debianUsers, debianGroups, redHat, services, gatehouse].joined())

    private static let superusers = ["root", "toor", "admin", "administrator", "wheel", "sudo", "operator"]

    /// The first user of cloud images.
    private static let images = [
        "ec2-user", "ssm-user", "ubuntu", "debian", "centos", "fedora", "rocky", "almalinux", "arch",
        "bitnami",
        "cloud-user", "cloudbreak", "core", "freebsd", "hadoop", "maintuser", "opc", "outscale", "azureuser",
        "vagrant", "user", "pi", "suse", "opensuse", "ec2-instance-connect", "google-sudoers",
    ]

    private static let debianUsers = [
        "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
        "backup",
        "list", "irc", "gnats", "nobody", "messagebus", "uuidd", "tcpdump", "landscape", "pollinate",
        "syslog",
        "tss", "lxd", "fwupd-refresh", "usbmux", "dnsmasq", "avahi", "avahi-autoipd", "polkitd", "rtkit",
        "colord",
        "geoclue", "pulse", "saned", "statd", "sssd", "strongswan", "whoopsie", "kernoops",
        "speech-dispatcher",
        "cups-pk-helper", "hplip", "gdm", "lightdm", "sddm", "dhcpcd", "ntp", "ntpsec", "chrony", "munge",
        "_apt", "_chrony", "_rpc", "_ntp", "_ssh", "_flatpak", "_galera", "_lldpd", "_laurel",
    ]

    private static let debianGroups = [
        "adm", "tty", "disk", "kmem", "dialout", "fax", "voice", "cdrom", "floppy", "tape", "audio", "dip",
        "src",
        "shadow", "utmp", "video", "sasl", "plugdev", "staff", "users", "nogroup", "input", "sgx", "kvm",
        "render",
        "crontab", "netdev", "ssl-cert", "docker", "libvirt", "lpadmin", "sambashare", "scanner", "bluetooth",
        "wireshark", "i2c", "gpio", "spi", "rdma",
    ]

    private static let redHat = [
        "shutdown", "halt", "ftp", "dbus", "polkit", "rpc", "rpcuser", "nfsnobody", "abrt", "apache", "named",
        "mem", "lock", "cgred", "dockerroot", "tape", "ssh_keys", "sshd_keys", "printadmin", "clevis",
        "unbound",
        "setroubleshoot", "cockpit-ws", "cockpit-wsinstance", "flatpak", "rngd", "ec2-net-utils", "pcp",
        "stapusr", "stapsys", "stapdev", "libstoragemgmt", "systemd", "nscd", "nslcd",
    ]

    private static let services = [
        "sshd", "ssh", "postfix", "postdrop", "postmaster", "exim", "dovecot", "dovenull", "mysql", "mariadb",
        "postgres", "mongodb", "redis", "memcache", "nginx", "httpd", "haproxy", "varnish", "squid", "tomcat",
        "jenkins", "gitlab", "git", "ldap", "openldap", "slapd", "krb5", "bind", "prometheus", "grafana",
        "elasticsearch", "kibana", "rabbitmq", "kafka", "zookeeper", "consul", "vault", "nomad", "slurm",
        "jupyter", "amazon-ssm-agent", "cwagent", "aoss", "rundeck", "zabbix", "nagios", "nrpe", "telegraf",
        "influxdb", "node-exporter", "containerd", "podman", "ceph", "gluster", "lxc-dnsmasq", "nfs", "rsync",
    ]

    /// Words that mean something in a login name or a command.
    private static let gatehouse = ["gate", "gateway", "gateway-user", "self", "all", "none", "any"]
}
