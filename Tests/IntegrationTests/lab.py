"""The running lab, as the tests see it: its variables, its clients, its commands and its event log."""

import collections
import json
import os
import pwd
import random
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

#: The top of the source tree.
TOP = Path(__file__).resolve().parents[2]

#: Where the programs lie that are tested.
PROGRAMS = Path(os.environ.get("GATEHOUSE_BIN", TOP / ".build/release"))

#: How many times longer everything may take, and how many times the memory: programs that a sanitizer looks over are slow and large.
PATIENCE, BULK = (4, 10) if os.environ.get("GATEHOUSE_SANITIZER") else (1, 1)

#: What `make lab` promises to write.
REQUIRED = (
    "GATEHOUSE GATEWAY_HOST GATEWAY_PORT SSH_CONFIG KNOWN_HOSTS ALICE_KEY BOB_KEY CAROL_KEY ADMIN_KEY "
    "HOST1 HOST2 HOST1_ADDRESS HOST2_ADDRESS SHARED DIRECTORY_DB LAB_EXEC"
).split()

#: Root's home on the hosts, whose system accounts are this machine's.
ROOT_HOME = pwd.getpwnam("root").pw_dir

#: Where a test's address is not to be the one of all others.
OTHER_CLIENT = "127.0.0.9"

Result = collections.namedtuple("Result", "status out err seconds")


class LabError(Exception):
    """The lab is not there, or not as promised; the text says what to do."""


def read_variables(path):
    """Has a shell read the file of variables, as its readers do."""
    if not path.exists():
        raise LabError(
            f"There is no {path}: start the lab with `make lab`, or say in GATEHOUSE_LAB_ENV where it is."
        )
    script = f"set -a; . {shlex.quote(str(path))} && env -0"
    listing = subprocess.run(["bash", "-c", script], capture_output=True, timeout=10)
    if listing.returncode != 0:
        raise LabError(f"{path} cannot be read by a shell: {listing.stderr.decode()}")
    pairs = (line.split("=", 1) for line in listing.stdout.decode().split("\0") if "=" in line)
    variables = dict(pairs)
    missing = [name for name in REQUIRED if not variables.get(name)]
    if missing:
        raise LabError(f"{path} does not say {', '.join(missing)}.")
    return variables


def wait_until(condition, what, timeout=10.0):
    """Polls until `condition()` is true, and returns what it gave."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.02)


def listening(port, table=None):
    """Is there a listener on a TCP port, here or in a host whose /proc/net/tcp is given?"""
    lines = table if table is not None else Path("/proc/net/tcp").read_text()
    wanted = f":{port:04X}"
    rows = (line.split() for line in lines.splitlines()[1:])
    return any(row[1].endswith(wanted) and row[3] == "0A" for row in rows)


_ports = iter(random.sample(range(21_000, 31_000), 9_000))


def free_port():
    """A port that nobody listens on here, below those that the kernel gives to clients."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LabError("no port is free")


def run(command, input=None, timeout=30.0, **more):
    """Runs a command to its end; one that takes too long is killed with its children, and fails the test."""
    start = time.monotonic()
    if isinstance(input, str):
        input = input.encode()
    more.setdefault("stdin", subprocess.PIPE if input is not None else subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.PIPE)
    words = [str(word) for word in command]
    with subprocess.Popen(words, start_new_session=True, **more) as process:
        try:
            out, err = process.communicate(input, timeout=timeout * PATIENCE)
        except BaseException as failure:
            kill_group(process)
            if isinstance(failure, subprocess.TimeoutExpired):
                raise AssertionError(f"not within {timeout:g} s: {shlex.join(words)[:300]}") from None
            raise
    return Result(process.returncode, out, err, time.monotonic() - start)


def kill_group(process):
    """Ends a process that leads its own group, with all of the group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def rows(document):
    """The list that a listing in JSON holds beside its schema number."""
    lists = [value for value in document.values() if isinstance(value, list)]
    assert len(lists) == 1, f"a listing holds one list, not {len(lists)}: {document}"
    return lists[0]


def record(document):
    """The one thing that a showing in JSON holds beside its schema number."""
    things = [value for value in document.values() if isinstance(value, dict)]
    assert len(things) == 1, f"a showing holds one thing, not {len(things)}: {document}"
    return things[0]


class Lab:
    """What `make lab` has started."""

    def __init__(self, folder):
        """Reads the lab's variables; `folder` is for the files that the tests' clients need."""
        self.path = Path(os.environ.get("GATEHOUSE_LAB_ENV", TOP / ".build/lab/env"))
        self.variables = read_variables(self.path)
        self.folder = folder
        self.gateway_host = self.variables["GATEWAY_HOST"]
        self.gateway_port = int(self.variables["GATEWAY_PORT"])
        self.known_hosts = self.variables["KNOWN_HOSTS"]
        self.ssh_config = self.variables["SSH_CONFIG"]
        self.shared = Path(self.variables["SHARED"])
        self.host1 = self.variables["HOST1"]
        self.host2 = self.variables["HOST2"]
        self.hosts = (self.host1, self.host2)
        self.addresses = {
            self.host1: self.variables["HOST1_ADDRESS"],
            self.host2: self.variables["HOST2_ADDRESS"],
        }
        self.nobodys_address = self.addresses[self.host1].rsplit(".", 1)[0] + ".250"
        self.keys = {
            "alice": self.variables["ALICE_KEY"],
            "bob": self.variables["BOB_KEY"],
            "carol": self.variables["CAROL_KEY"],
            "ada": self.variables["ADMIN_KEY"],
        }
        self._configs = {}

    # Clients

    def config(self, user="alice"):
        """An ssh_config with the aliases of the lab; alice's is the lab's own."""
        return self.ssh_config if user == "alice" else self.own_config(user)

    def own_config(self, user="alice"):
        """An ssh_config of ours with the lab's aliases, and `jump-HOST` for a host reached by `-J`."""
        if user in self._configs:
            return self._configs[user]
        text = [
            f"Host {name}\n  HostName {self.gateway_host}\n  Port {self.gateway_port}\n  User {login}\n"
            f"  UserKnownHostsFile {self.known_hosts}\n"
            for name, login in self.aliases(user)
        ]
        text += [
            f"Host jump-{host}\n  HostName {host}\n  HostKeyAlias {host}\n  Port {self.ssh_port(host)}\n"
            f"  User {user}\n  ProxyJump gateway\n  UserKnownHostsFile {self.known_hosts}\n"
            for host in self.hosts
        ]
        text.append(
            f"Host *\n  IdentityFile {self.keys[user]}\n  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n"
            "  GlobalKnownHostsFile /dev/null\n  BatchMode yes\n  LogLevel ERROR\n"
        )
        path = self.folder / f"ssh_config.{user}"
        path.write_text("".join(text))
        self._configs[user] = str(path)
        return self._configs[user]

    def aliases(self, user):
        """The aliases of the lab's ssh_config and the login name behind each."""
        named = [(target, f"{user}+{target}") for target in (*self.hosts, "gate")]
        return [("gateway", user), *named]

    def pinned_fingerprints(self, host):
        """The fingerprints of the host keys that the directory has pinned."""
        return {key["fingerprint"] for key in record(self.gatehouse_json("host", "show", host))["keys"]}

    def ssh_port(self, host):
        """The port that the directory says a host's sshd listens on."""
        return int(record(self.gatehouse_json("host", "show", host))["port"])

    def ssh_words(self, *words, alias=None, user="alice", options=(), program="ssh"):
        """The command line of a stock client on an alias of the lab."""
        config = self.config(user)
        if alias is not None and alias.startswith("jump-"):
            config = self.own_config(user)
        base = [program, "-F", config, "-o", "BatchMode=yes", *options]
        return [*base, alias or self.host1, *words]

    def ssh(self, *words, alias=None, user="alice", options=(), **more):
        """Runs `ssh` on an alias (the first host if none is given) to its end."""
        return run(self.ssh_words(*words, alias=alias, user=user, options=options), **more)

    def login(self, login, *words, key="alice", options=(), **more):
        """Runs `ssh` with any login name and the key of any user, without the lab's ssh_config.

        `options` come first, and of two for the same thing OpenSSH takes the first.
        """
        key = self.keys.get(str(key), key)
        base = ["ssh", "-F", "none", *options, "-i", key, "-p", self.gateway_port, "-l", login]
        for option in (
            "IdentitiesOnly=yes",
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "GlobalKnownHostsFile=/dev/null",
            f"UserKnownHostsFile={self.known_hosts}",
            "LogLevel=ERROR",
            "PreferredAuthentications=publickey",
        ):
            base += ["-o", option]
        return run([*base, self.gateway_host, *words], **more)

    # The other side

    def exec_words(self, host, *words):
        """The command line that runs a command as root in a host."""
        return [*shlex.split(self.variables["LAB_EXEC"]), host, *map(str, words)]

    def lab_exec(self, host, *words, check=True, **more):
        """Runs a command as root in a host, past the gateway."""
        result = run(self.exec_words(host, *words), env=self.environment(), **more)
        if check:
            assert (
                result.status == 0
            ), f"on {host}: {shlex.join(map(str, words))[:300]}: {result.err.decode()}"
        return result

    def upstream_connections(self, host):
        """How many connections a host's sshd has."""
        table = self.lab_exec(host, "cat", "/proc/net/tcp").out.decode().splitlines()[1:]
        wanted = f":{self.ssh_port(host):04X}"
        return sum(1 for row in map(str.split, table) if row[1].endswith(wanted) and row[3] == "01")

    def sshd_log(self, host):
        """All that a host's sshd has logged."""
        return self.lab_exec(host, "cat", "/var/log/sshd.log").out.decode(errors="replace")

    def fingerprint(self, key):
        """The fingerprint of a key, of which the path of the private half is given."""
        return run(["ssh-keygen", "-lf", f"{key}.pub"]).out.decode().split()[1]

    # Gatehouse's commands

    def gatehouse(self, *words, check=True, **more):
        """Runs `gatehouse` with these words; unless `check` is false it has to succeed."""
        result = run([*shlex.split(self.variables["GATEHOUSE"]), *words], env=self.environment(), **more)
        if check:
            text = result.err.decode(errors="replace")
            assert (
                result.status == 0
            ), f"gatehouse {shlex.join(map(str, words))}: status {result.status}: {text}"
        return result

    def gatehouse_json(self, *words, **more):
        """What a reading command says in JSON; it carries the schema number."""
        document = json.loads(self.gatehouse(*words, "--json", **more).out)
        assert document["schema"] == 1
        return document

    def rows(self, *words):
        """The rows of a listing."""
        return rows(self.gatehouse_json(*words))

    def environment(self):
        """Our environment and the lab's variables, as a shell that has sourced them would have it."""
        return {**os.environ, **self.variables}

    def user(self, name):
        """What the directory says of a user."""
        return record(self.gatehouse_json("user", "show", name))

    def uid(self, name):
        """The uid that the directory gave to a user."""
        return int(self.user(name)["uid"])

    def sessions(self, *words):
        """The sessions, live ones only unless `--all` is among the words."""
        return self.rows("session", "list", *words)

    def runtime_directory(self):
        """Where the daemon keeps its socket and its process number."""
        settings = {row["keyword"].lower(): row["value"] for row in self.rows("config", "show")}
        return Path(settings["runtimedirectory"])

    def session_pid(self, number):
        """The process of a live session: it holds the journal of that name."""
        for pid in self.session_pids():
            held = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
            if any(number in path for path in held):
                return pid
        raise AssertionError(f"no process holds the journal of session {number}")

    def program(self, name):
        """The path of one of Gatehouse's programs: they lie side by side."""
        return Path(os.readlink(f"/proc/{self.daemon_pid()}/exe")).with_name(name)

    def daemon_pid(self):
        """The process number of `gatehoused`."""
        return int((self.runtime_directory() / "gatehoused.pid").read_text())

    def kill_daemon(self):
        """Kills `gatehoused` as hard as can be, sees its end, and says what its process number was."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _is_alive(pid), "the end of the daemon")
        return pid

    def restart_daemon(self):
        """Starts `gatehoused` again as an operator would, where it is gone, and waits for its answer."""
        done = run(["make", "-s", "-C", TOP, "lab-restart"], env=self.environment(), timeout=60)
        assert done.status == 0, done.err.decode()
        wait_until(lambda: self.gatehouse("user", "list", check=False).status == 0, "the daemon's answer")

    def session_pids(self, state=None):
        """The processes of this lab's sessions, or those of another state directory: they hold a journal there, from birth."""
        ours = str(state or Path(self.variables["DIRECTORY_DB"]).parent)
        found = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or not _name_of(entry).startswith("gatehouse-sessi"):
                continue
            try:
                held = [os.readlink(link) for link in (entry / "fd").iterdir()]
            except OSError:
                continue
            if any(path.startswith(ours) for path in held):
                found.add(int(entry.name))
        return found

    # The AWS endpoint

    def aws(self, **settings):
        """`POST /lab`: makes things go wrong at the AWS endpoint; gives its state."""
        request = urllib.request.Request(
            f"{self.variables['AWS_ENDPOINT_URL']}/lab", json.dumps(settings).encode()
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def instance(self, host):
        """The id of a host's instance."""
        return record(self.gatehouse_json("host", "show", host))["instance"]["id"]

    # The event log

    def events(self, *words, limit=1000):
        """The newest events, oldest first; `detail` is a dictionary."""
        listed = self.rows("event", "list", "--limit", limit, *words)
        for event in listed:
            if isinstance(event.get("detail"), str):
                event["detail"] = json.loads(event["detail"] or "{}")
        return sorted(listed, key=lambda event: event["id"])

    def mark(self):
        """The number of the newest event, to look only at later ones."""
        newest = self.events(limit=1)
        return newest[-1]["id"] if newest else 0

    def events_after(self, mark, kind=None, where=lambda event: True, **columns):
        """Events later than a mark, of a kind, whose columns have these values."""
        return [
            event
            for event in self.events()
            if event["id"] > mark
            and (kind is None or event["kind"] == kind)
            and all(event.get(name) == value for name, value in columns.items())
            and where(event)
        ]

    def wait_event(self, mark, kind, where=lambda event: True, timeout=10.0, **columns):
        """Waits for the first such event."""
        found = lambda: self.events_after(mark, kind, where, **columns)
        return wait_until(found, f"an event {kind} {columns or ''} after {mark}", timeout)[0]


def _is_alive(pid):
    """Whether a thread of such a process is more than a zombie."""
    try:
        states = [path.read_text().rsplit(")", 1)[1].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return True
    return any(state not in "ZX" for state in states)


def _name_of(entry):
    try:
        return (entry / "comm").read_text().strip()
    except OSError:
        return ""


def resident_bytes(pids):
    """The memory that processes have of their own and by their share (PSS), in bytes; what a sanitizer adds is taken off, roughly."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total // BULK
