"""The four ways to a host, started and ended: configurations, two OpenSSH bastions, and the accounting of processes."""

import ctypes
import os
import pathlib
import platform
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

NAMES = ["direct", "jump", "force", "gatehouse"]
CIPHERS = {"aes128": "aes128-gcm@openssh.com", "chacha20": "chacha20-poly1305@openssh.com"}
KEY_EXCHANGE = "curve25519-sha256"
CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct")
PROC = pathlib.Path("/proc")
BASTION_USER = "bench"
BASTION_UID = 64998
SCRATCH_UID = 64999


class Failure(Exception):
    """Something is not there or does not work: one line for a person."""


def machine():
    """What a reader must know of the machine to judge the figures."""
    version = subprocess.run(["ssh", "-V"], stderr=subprocess.PIPE, text=True, check=True).stderr
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        "load": round(os.getloadavg()[0], 2),
        "openssh": version.split(",")[0].split(" ")[0],
    }


class Group:
    """The processes of one gateway: their CPU time and memory.

    Uses a cpuacct control group where there is one; without it, the tree below the daemon.
    """

    def __init__(self, name, base=None):
        self.base = base
        self.borrowed = {}
        self.path = CPUACCT / f"gatehouse-bench-{os.getpid()}-{name}"
        try:
            self.path.mkdir()
        except OSError:
            self.path = None

    def enter(self):
        """For a child between fork and exec."""
        if self.path:
            (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def borrow(self, pid):
        """Takes in a running process, with the group that it goes back to."""
        if not self.path:
            return
        for line in (PROC / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, where = line.split(":", 2)
            if "cpuacct" in controllers.split(","):
                self.borrowed[pid] = CPUACCT / where.lstrip("/")
        (self.path / "cgroup.procs").write_text(str(pid))

    def pids(self):
        if self.path:
            return [int(word) for word in (self.path / "cgroup.procs").read_text().split()]
        return descendants(self.base)

    def cpu_seconds(self):
        if self.path:
            return int((self.path / "cpuacct.usage").read_text()) / 1e9
        ticks = 0
        for pid in self.pids():
            fields = stat_fields(pid)
            ticks += sum(int(word) for word in fields[11:15]) if fields else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self, kill_all):
        """Removes the group.

        - kill_all: end what is left in it; else hand it back to where the borrowed processes came from.
        """
        if not self.path:
            return
        home = next(iter(self.borrowed.values()), CPUACCT)
        for _ in range(100):
            left = self.pids()
            if not left:
                break
            for pid in left:
                if kill_all:
                    kill(pid)
                else:
                    move(pid, home)
            time.sleep(0.02)
        try:
            self.path.rmdir()
        except OSError:
            pass


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def move(pid, group):
    try:
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        pass


def adopt_orphans():
    """Sessions of an sshd that has ended become children of this process, which reaps them at the end."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def reap_orphans():
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.02)
        except ChildProcessError:
            return


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name: state, parent, …; None when the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def descendants(root):
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := stat_fields(entry.name)):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += parents.get(pid, [])
    return found


def pss_kib(pid):
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def executable(pid):
    try:
        return os.readlink(PROC / str(pid) / "exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def listener(port, name):
    """The process called `name` that listens on this TCP port of this network namespace."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{words[9]}]")
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or pathlib.Path(executable(entry.name)).name != name:
            continue
        for descriptor in (entry / "fd").iterdir():
            try:
                if os.readlink(descriptor) in inodes:
                    return int(entry.name)
            except OSError:
                continue
    raise Failure(f"no {name} listens on port {port}; is the lab up?")


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
