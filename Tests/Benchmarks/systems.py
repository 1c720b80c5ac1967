"""The four ways to a host, started and ended: configurations and two OpenSSH bastions."""

import os
import pathlib
import platform
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

from processes import Failure, Group, adopt_orphans, descendants, executable, kill, listener, reap_orphans

NAMES = ["direct", "jump", "force", "gatehouse"]
CIPHERS = {"aes128": "aes128-gcm@openssh.com", "chacha20": "chacha20-poly1305@openssh.com"}
KEY_EXCHANGE = "curve25519-sha256"
BASTION_USER = "bench"
BASTION_UID = 64998
SCRATCH_UID = 64999


def machine():
    """What a reader must know of the machine to judge the figures."""
    version = subprocess.run(["ssh", "-V"], stderr=subprocess.PIPE, text=True, check=True).stderr
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        "load": round(os.getloadavg()[0], 2),
        "openssh": version.split(",")[0].split(" ")[0],
    }


def lab_environment(folder):
    path = folder / "env"
    if not path.exists():
        raise Failure(f"{path} is missing: start the lab first (make lab)")
    text = subprocess.run(["sh", "-c", f". {shlex.quote(str(path))}; env -0", "sh"], capture_output=True, check=True,
                          env={"PATH": os.environ["PATH"]})
    return dict(item.split("=", 1) for item in text.stdout.decode().split("\0") if "=" in item)


class Stage:
    """Everything the measurements need, and its end: `with Stage(names, lab) as stage:`."""

    def __init__(self, names, lab):
        self.names = names
        self.lab = lab
        self.groups = {}
        self.daemons = {}
        self.debug_build = False
        self.processes = []

    def __enter__(self):
        adopt_orphans()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
        self.folder.chmod(0o755)
        try:
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            for pid in descendants(process.pid):
                kill(pid)
            process.wait()
        for name, group in self.groups.items():
            group.end(kill_all=name != "gatehouse")
        reap_orphans()
        shutil.rmtree(self.folder, ignore_errors=True)

    def set_up(self):
        self.make_key("client")
        self.make_key("upstream", owner=BASTION_UID)
        self.make_key("host_key")
        self.write_accounts()
        if self.lab is None:
            self.use_scratch_host()
        else:
            self.use_lab()
        aliases = {"direct": (self.host_address, self.host_port, self.user, self.user_key)}
        for name in ("jump", "force"):
            if name in self.names:
                aliases[name] = ("127.0.0.1", self.start_bastion(name), BASTION_USER, self.folder / "client")
        if "gatehouse" in self.names:
            aliases["gatehouse"] = self.use_gatehouse()
        for cipher in CIPHERS:
            self.write_client_configuration(cipher, aliases)

    # MARK: keys, accounts, configurations

    def make_key(self, name, owner=0):
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
        os.chown(path, owner, -1)

    def write_accounts(self):
        """Accounts that only the sshds of this run see: they get these files in a mount namespace."""
        passwd = pathlib.Path("/etc/passwd").read_text()
        shadow = pathlib.Path("/etc/shadow").read_text()
        for name, uid in ((BASTION_USER, BASTION_UID), ("scratch", SCRATCH_UID)):
            passwd += f"{name}:x:{uid}:{uid}::/:/bin/sh\n"
            shadow += f"{name}:*:19000::::::\n"
        (self.folder / "passwd").write_text(passwd)
        (self.folder / "shadow").write_text(shadow)
        (self.folder / "shadow").chmod(0o600)
        keys = [(self.folder / "client.pub").read_text(), (self.folder / "upstream.pub").read_text()]
        (self.folder / "authorized_keys").write_text("".join(keys))

    def common(self, cipher):
        return f"""
    Ciphers {CIPHERS[cipher]}
    KexAlgorithms {KEY_EXCHANGE}
    HostKeyAlgorithms ssh-ed25519
    BatchMode yes
    IdentitiesOnly yes
    IdentityAgent none
    PreferredAuthentications publickey
    GSSAPIAuthentication no
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    GlobalKnownHostsFile /dev/null
    UpdateHostKeys no
    ConnectTimeout 10
    LogLevel ERROR
    IgnoreUnknown ObscureKeystrokeTiming
    ObscureKeystrokeTiming no
"""

    def write_client_configuration(self, cipher, aliases):
        text = ""
        for name, (address, port, user, key) in aliases.items():
            alias = "bastion" if name == "jump" else name
            text += f"Host {alias}\n    HostName {address}\n    Port {port}\n    User {user}\n    IdentityFile {key}\n"
        if "jump" in aliases:
            text += (f"Host jump\n    HostName {self.host_address}\n    Port {self.host_port}\n    User {self.user}\n"
                     f"    IdentityFile {self.user_key}\n    ProxyJump bastion\n")
        text += f"Host force\n    SetEnv BENCH_CIPHER={cipher}\n"
        (self.folder / f"client-{cipher}").write_text(text + "Host *" + self.common(cipher))

        upstream = (f"Host host\n    HostName {self.host_address}\n    Port {self.host_port}\n    User {self.user}\n"
                    f"    IdentityFile {self.folder}/upstream\n    SendEnv none\nHost *")
        (self.folder / f"upstream-{cipher}").write_text(upstream + self.common(cipher))

    def command(self, name, *words, cipher="aes128", flags=()):
        """The command line that runs `words` on the host by this way."""
        return ["ssh", "-F", str(self.folder / f"client-{cipher}"), *flags, name, *words]

    # MARK: sshds of our own

    def start_sshd(self, name, lines, group=None):
        port = free_port()
        config = self.folder / f"sshd-{name}"
        config.write_text(f"""
ListenAddress 127.0.0.1:{port}
HostKey {self.folder}/host_key
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile {self.folder}/authorized_keys
AuthenticationMethods publickey
MaxStartups 300
PrintMotd no
AcceptEnv BENCH_CIPHER
{lines}
""")
        script = f"""
mount --bind {self.folder}/passwd /etc/passwd
mount --bind {self.folder}/shadow /etc/shadow
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
exec /usr/sbin/sshd -D -e -f {config}
"""
        with open(self.folder / f"sshd-{name}.log", "wb") as log:
            process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-ec", script],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       preexec_fn=group.enter if group else None)
        self.processes.append(process)
        wait_for_port(port, name)
        return port, process.pid

    def start_bastion(self, name):
        lines = "AllowTcpForwarding yes"
        if name == "force":
            script = self.folder / "force"
            script.write_text(f"""#!/bin/sh
if [ -n "$SSH_TTY" ]; then terminal=-tt; else terminal=-T; fi
exec ssh -F {self.folder}/upstream-"$BENCH_CIPHER" $terminal host "$SSH_ORIGINAL_COMMAND"
""")
            script.chmod(0o755)
            lines = f"ForceCommand exec {script}"
        group = self.groups[name] = Group(name)
        port, pid = self.start_sshd(name, lines, group)
        group.base = self.daemons[name] = pid
        return port

    # MARK: the host, and Gatehouse

    def use_scratch_host(self):
        self.user, self.user_key = "scratch", self.folder / "client"
        self.host_address = "127.0.0.1"
        self.host_port, _ = self.start_sshd("host", "")

    def use_lab(self):
        self.environment = lab_environment(self.lab)
        self.user, self.user_key = "alice", self.environment["ALICE_KEY"]
        self.host_address, self.host_port = self.environment["HOST1_ADDRESS"], 22
        if ":" in self.host_address:
            self.host_address, _, port = self.host_address.rpartition(":")
            self.host_port = int(port)
        subprocess.run(
            ["ssh-keygen", "-q", "-s", self.lab / "state/user_ca", "-I", "gatehouse-bench", "-n", self.user,
             "-V", "-1m:+1h", self.folder / "upstream.pub"], check=True)

    def use_gatehouse(self):
        port = int(self.environment["GATEWAY_PORT"])
        daemon = self.daemons["gatehouse"] = listener(port, "gatehoused")
        self.debug_build = "/debug/" in executable(daemon)
        group = self.groups["gatehouse"] = Group("gatehouse", base=daemon)
        for pid in descendants(daemon):
            group.borrow(pid)
        login = f"{self.user}+{self.environment['HOST1']}"
        return self.environment["GATEWAY_HOST"], port, login, self.user_key


def free_port():
    """A free TCP port of 127.0.0.1 below the ephemeral range."""
    for port in range(24022, 24999):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no free port between 24022 and 24998")


def wait_for_port(port, name):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failure(f"the sshd for {name} does not answer on port {port}")
