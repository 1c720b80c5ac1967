"""A daemon that takes its clients from `gatehouse-front`, which is started with its sockets as systemd would start it."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

import activation
from gateway import Gateway
from lab import run, wait_until
from test_networks import first_version, logins, said, whoami

PROXY, PLAIN, OTHER, FLOODER = "127.0.0.91", "127.0.0.92", "127.0.0.93", "127.0.0.94"
FRONT_USER = 63_024
#: Connections that wait while there is no daemon, and those of one address.
WAITING, WAITING_OF_ONE = 30, 12
NO_DAEMON = b"Exceeded LoginGraceTime\r\n"


class Fronted(Gateway):
    """A gateway with the lab's directory, whose daemon has no port."""

    def __init__(self, lab, folder, seed):
        self.listening = self.desk = self.front = None
        # Where the front end can read, unlike in pytest's folders.
        self.public = Path(f"/tmp/gh-{secrets.token_hex(4)}")
        self.public.mkdir(mode=0o755)
        settings = [
            "FrontEnd yes", "UidRange 20000-59999", "AllowFrom 127.0.0.0/24 203.0.113.0/24", f"ProxyProtocolFrom {PROXY}",
            f"MaxStartups {WAITING}", f"MaxStartupsPerAddress {WAITING_OF_ONE}", "HealthCheckInterval 0",
        ]
        self.process = None
        try:
            super().__init__(lab, folder, lab.keys["ada"], {}, settings, state=seed)
            self.start_front()
        except BaseException:
            self.end()
            raise

    def start(self):
        self.process = self.start_daemon()
        wait_until(lambda: self("user", "list", check=False).status == 0, "the daemon's answer", 60)

    def start_daemon(self, *sockets):
        with open(self.log_path, "ab") as log:
            return activation.start(
                [self.lab.program("gatehoused"), "-f", self.configuration], sockets, env=self.environment, stdout=log, stderr=log)

    def start_front(self):
        """Starts the front end with the sockets of its units, which outlive it."""
        if not self.listening:
            self.listening = socket.create_server((self.address, self.port), backlog=512)
            self.desk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.desk.bind(str(self.sock))
            self.sock.chmod(0o600)
            self.desk.listen(64)
            shutil.copy(self.configuration, self.public / "gatehouse.conf")
        program = self.lab.program("gatehouse-front")
        with open(self.public / "log", "ab") as log:
            self.front = activation.start(
                [program, "-f", self.public / "gatehouse.conf"], [self.listening, self.desk], FRONT_USER, stdout=log, stderr=log)
        wait_until(lambda: self.front_log().count("ready") > self.front_log().count("stopped"), "the front end", 60)

    @property
    def sock(self):
        return self.runtime / "front.sock"

    def front_log(self):
        return (self.public / "log").read_text()

    def held(self):
        """How many sockets the front end has."""
        return sum(os.readlink(link).startswith("socket:") for link in Path(f"/proc/{self.front.pid}/fd").iterdir())

    def set(self, **settings):
        """Other settings for both, put in force as `systemctl reload` does."""
        lines = self.configuration.read_text().splitlines()
        lines = [line for line in lines if line.split()[0] not in settings]
        text = "\n".join(lines + [f"{name} {value}" for name, value in settings.items()]) + "\n"
        before = [log.count("read again") for log in (self.front_log(), self.log_text())]
        self.configuration.write_text(text)
        # As editors do.
        (self.public / "new").write_text(text)
        (self.public / "new").rename(self.public / "gatehouse.conf")
        for process in (self.front, self.process):
            if process.poll() is None:
                process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.front_log().count("read again") > before[0], "the front end reads again")
        if self.process.poll() is None:
            wait_until(lambda: self.log_text().count("read again") > before[1], "the daemon reads again")

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def end(self):
        for process in (self.front, self.process):
            if process and process.poll() is None:
                process.terminate()
                process.wait(10)
        for one in (self.listening, self.desk):
            if one:
                one.close()
        shutil.rmtree(self.runtime, ignore_errors=True)
        shutil.rmtree(self.public, ignore_errors=True)


@pytest.fixture(scope="module")
def here(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    state = Path(lab.variables["DIRECTORY_DB"]).parent
    seed = folder / "seed"
    shutil.copytree(state, seed, ignore=shutil.ignore_patterns("*.db*", "journals", "recordings"))
    for name in ("gatehouse.db", "book.db"):
        with contextlib.closing(sqlite3.connect(state / name)) as old, contextlib.closing(sqlite3.connect(seed / name)) as new:
            old.backup(new)
        (seed / name).chmod(0o600)
    for name in ("alice", "bob"):
        shutil.copy(lab.keys[name], folder / f"key-{name}")
    made = Fronted(lab, folder, seed)
    yield made
    made.end()


def status_of(process):
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def test_sessions(lab, here, tmp_path):
    """A login, files there and back; the log has the client's own address. The front end holds nothing that it could lose."""
    words = here.ssh_words("alice", lab.host1, "id -un")
    words[1:1] = ["-b", PLAIN]
    result = run(words)
    assert result.out == b"alice\n", result.err
    assert logins(here)[0] == PLAIN
    (tmp_path / "sent").write_bytes(os.urandom(300_000))
    options = [word if word != "-p" else "-P" for word in here.ssh_words("alice", lab.host1)[1:-3]]
    name = f"/tmp/it-front-{secrets.token_hex(4)}"
    options += ["-o", f"User=alice+{lab.host1}"]
    place = f"{here.address}:{name}"
    for source, target in ((tmp_path / "sent", place), (place, tmp_path / "back")):
        result = run(["scp", "-q", *options, source, target])
        assert result.status == 0, result.err
    lab.lab_exec(lab.host1, "rm", name)
    assert (tmp_path / "back").read_bytes() == (tmp_path / "sent").read_bytes()

    status = status_of(here.front)
    assert status["Uid"] == [str(FRONT_USER)] * 4 and status["Groups"] == []
    assert status["Seccomp"] == ["2"] and status["NoNewPrivs"] == ["1"]
    assert all(int(status[name][0], 16) == 0 for name in ("CapEff", "CapPrm", "CapAmb"))
    assert f"listen={here.sock}" in here.log_text()


def test_networks_and_proxies(here):
    """A named proxy says for whom it comes; who may come is read again; a proxy's word counts with nobody else."""
    assert b"alice" in whoami(here, PROXY, first_version("203.0.113.9"), key="alice", name="alice")
    assert logins(here)[0] == "203.0.113.9"
    assert said(here, PROXY, first_version("198.51.100.1")) == b""
    assert said(here, PROXY, b"SSH-2.0-x\r\n") == b""
    assert said(here, OTHER).startswith(b"SSH-2.0-")
    here.set(DenyFrom=OTHER)
    assert said(here, OTHER) == b""
    assert "AllowFrom, DenyFrom" in here.front_log()
    here.set(DenyFrom="127.0.0.199")
    assert said(here, OTHER).startswith(b"SSH-2.0-")


@pytest.mark.limit(90)
def test_the_daemon_is_away(lab, here):
    """Killed and started again, it turns nobody away: who comes meanwhile waits, in the front end or before it."""
    here.kill()
    before = here.held()
    clients = [
        subprocess.Popen(
            [str(word) for word in here.ssh_words("alice", lab.host1, f"echo {number}")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for number in range(10)
    ]
    # The connection of the old daemon is closed when there is a client for it.
    wait_until(lambda: here.held() >= before - 1 + 10, "ten clients wait", 30)
    for owner, mode in ((FRONT_USER, 0o600), (0, 0o666)):
        os.chown(here.sock, owner, owner)
        here.sock.chmod(mode)
        assert here.start_daemon().wait(30) == 78, (owner, mode)
        check = run([lab.program("gatehoused"), "-t", "-f", here.configuration])
        assert check.status == 78 and b"SocketMode=0600" in check.err, (owner, mode)
    here.runtime.chmod(0o777)
    here.sock.chmod(0o600)
    assert here.start_daemon().wait(30) == 78
    here.runtime.chmod(0o755)
    log = here.log_text()
    assert "SocketMode=0600" in log and "chmod go-w" in log
    listening = socket.create_server(("127.0.0.1", 0))
    with listening:
        assert here.start_daemon(listening).wait(30) == 78
    here.start()
    for number, client in enumerate(clients):
        out, err = client.communicate(timeout=60)
        assert (client.returncode, out) == (0, f"{number}\n".encode()), err

    # Ended and started again while people log in, it cuts none of them off.
    clients = []
    for number in range(10):
        clients.append(subprocess.Popen(
            [str(word) for word in here.ssh_words("bob", lab.host1, f"echo {number}")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        if number == 6:
            wait_until(lambda: clients[2].poll() is not None, "some have logged in", 60)
            here.process.terminate()
    assert here.process.wait(30) == 0
    here.start()
    for number, client in enumerate(clients):
        out, err = client.communicate(timeout=60)
        assert (client.returncode, out) == (0, f"{number}\n".encode()), err

    # The front end itself is replaced: its port is systemd's.
    here.front.terminate()
    assert here.front.wait(10) == 0
    client = subprocess.Popen(
        [str(word) for word in here.ssh_words("alice", lab.host1, "echo later")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    here.start_front()
    out, err = client.communicate(timeout=60)
    assert out == b"later\n", err


@pytest.mark.limit(90)
def test_a_flood_while_the_daemon_is_away(lab, here):
    """What waits is bounded, for one address and for all; nobody waits longer than `LoginGraceTime`, and then is told."""
    here.set(LoginGraceTime="6s")
    here.kill()
    before = here.held()
    with contextlib.ExitStack() as held:
        def flood(source, count):
            made = [
                held.enter_context(socket.create_connection((here.address, here.port), 15, source_address=(source, 0)))
                for _ in range(count)
            ]
            for one in made:
                one.settimeout(30)
            return made

        one = flood(FLOODER, 300)
        told = [connection.recv(100) for connection in one[-200:]]
        assert set(told) == {b"Exceeded MaxStartupsPerAddress\r\n"}
        others = [connection for number in range(4) for connection in flood(f"127.0.0.{110 + number}", 10)]
        assert here.held() <= before + WAITING + 1
        told = [connection.recv(100) for connection in one[:WAITING_OF_ONE] + others]
        assert told.count(b"Exceeded MaxStartups\r\n") >= 40 + WAITING_OF_ONE - WAITING - 2
        assert set(told) <= {b"Exceeded MaxStartups\r\n", NO_DAEMON} and NO_DAEMON in told
    wait_until(lambda: here.held() <= before, "nobody waits any more", 30)
    here.set(LoginGraceTime="30s")
    here.start()
    assert run(here.ssh_words("alice", lab.host1, "echo back")).out == b"back\n"


STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(63_022); os.setuid(63_022)
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    line.connect(sys.argv[1])
except PermissionError:
    sys.exit("no permission")
line.send(bytes([1]))
print("connected", flush=True)
try:
    print(line.recv(100).hex())
except ConnectionResetError:
    print("sent away")
"""


@pytest.mark.limit(60)
def test_strangers_are_not_the_daemon(lab, here):
    """Nobody but root gets at front.sock; who could, because its mode was changed, is sent away, and the client waits for the daemon."""
    words = ["/usr/bin/python3", "-c", STRANGER, str(here.sock)]
    assert b"no permission" in run(words).err
    here.kill()
    here.sock.chmod(0o666)
    stranger = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert stranger.stdout.readline() == "connected\n"
    client = subprocess.Popen(
        [str(word) for word in here.ssh_words("alice", lab.host1, "echo hello")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert stranger.communicate(timeout=30)[0] == "sent away\n"
    assert "uid 63022" in here.front_log()
    here.sock.chmod(0o600)
    here.start()
    assert client.communicate(timeout=60)[0] == b"hello\n"


@pytest.mark.limit(60)
def test_a_front_end_that_was_taken_over(lab, here):
    """It cannot claim where a client comes from, nor send anything but clients; the daemon cuts it off, and comes again."""
    here.front.terminate()
    assert here.front.wait(10) == 0
    before = len(logins(here))
    client = b"\x02\x00\x00\x00\x04\xcb\x00\x71\x09\x00\x00\x12\x34"
    here.desk.settimeout(20)
    with socket.create_connection(("127.0.0.1", here.lab.gateway_port)) as elsewhere, contextlib.ExitStack() as held:
        pair = [held.enter_context(one) for one in socket.socketpair()]
        for message, given, answer in (
            (b"\xff", [], b""), (b"\x02", [], b""), (client, [], b""), (b"\x01", [], b""), (client, pair, b""),
            (client, pair[:1], b"\x03"), (client, [elsewhere], b"\x03"),
        ):
            line, _ = here.desk.accept()
            with line:
                line.settimeout(20)
                assert line.recv(100) == b"\x01"
                socket.send_fds(line, [message], [one.fileno() for one in given])
                assert line.recv(100) == answer, message
    wait_until(lambda: "nobody may speak" in here.log_text(), "the log tells of it")
    assert len(logins(here)) == before

    # A daemon that runs comes only to a socket of root's.
    here.sock.chmod(0o666)
    wait_until(lambda: "closed to others" in here.log_text().rpartition("nobody may speak")[2], "a warning", 30)
    here.sock.chmod(0o600)
    here.start_front()
    assert said(here, PLAIN).startswith(b"SSH-2.0-")


def test_the_program_itself(here, lab):
    """It explains itself, and never runs as root."""
    program = lab.program("gatehouse-front")
    assert run([program, "--help"]).out.startswith(b"usage: gatehouse-front")
    assert run([program, "-x"]).status == 64
    refused = run([program, "-f", here.public / "gatehouse.conf"])
    assert refused.status == 78 and b"User=gatehouse-front" in refused.err
    log = here.public / "other.log"
    for sockets, settings, reason in (
        ([here.listening], "FrontEnd yes", "ListenSequentialPacket"), ([here.desk], "FrontEnd yes", "ListenStream"),
        ([here.listening, here.desk], "FrontEnd no", "needs FrontEnd yes"),
    ):
        (here.public / "other.conf").write_text(f"{settings}\n")
        with open(log, "ab") as file:
            process = activation.start([program, "-f", here.public / "other.conf"], sockets, FRONT_USER, stdout=file, stderr=file)
        assert process.wait(30) == 78 and reason in log.read_text(), settings
