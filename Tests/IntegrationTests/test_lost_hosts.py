"""Hosts that are lost or unwell while their pool has others: what becomes of connections that go on, and of new ones."""

import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lab import free_port, listening, run, wait_until
from test_pools import THIRD, link, login_words, person, place, pool, setting, shown


class Shared:
    """A client's connection that goes on, and programs that are run over it."""

    def __init__(self, lab, start, path, user, target, options=("-N",), **more):
        self.words = lambda *words, options=(): login_words(
            lab, user, target, *words, options=["-o", f"ControlPath={path}", *options])
        self.client = start(self.words(options=["-M", *options]), stderr=subprocess.PIPE, **more)
        wait_until(lambda: Path(path).exists(), "the shared connection", 15)

    def where(self):
        """On which host a program runs, what is said, and how long that took."""
        result = run(self.words("cat /etc/hostname"), timeout=40)
        return result.out.decode().strip(), result.err.decode().strip(), result.seconds, result.status


@pytest.mark.limit(180)
def test_connections_that_outlive_their_host(lab, pool, person, setting, start, teardown, tmp_path):
    """New programs on them hang nowhere: they are on another host of the pool, or say why not, and work when the host is back."""
    setting("ConnectTimeout", "2s")
    setting("HostAliveTimeout", "20s")
    user = person()
    lab.login(f"{user}+gate", "hosts", "default", THIRD, key=user)
    idle = Shared(lab, start, tmp_path / "idle", user, pool)
    named = Shared(lab, start, tmp_path / "named", user, THIRD)
    busy = Shared(lab, start, tmp_path / "busy", user, pool)
    for shared in (idle, named, busy):
        assert shared.where()[:2] == (THIRD, "")
    program = start(busy.words("echo on; exec cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout.readline() == b"on\n"
    port = free_port()
    ports = start(
        login_words(lab, user, THIRD, options=["-N", "-R", f"127.0.0.1:{port}:127.0.0.1:9", "-o", "ExitOnForwardFailure=yes"]),
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: lab.lab_exec(THIRD, "sh", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}", check=False).status == 0
               or f":{port:04X}" in lab.lab_exec(THIRD, "cat", "/proc/net/tcp").out.decode(), "the host to listen", 20)

    teardown.callback(link, lab, "up")
    link(lab, "down")
    cut = time.monotonic()

    # Nothing of it was on the host any more: it goes to another one, and stays there.
    host, said, seconds, _ = idle.where()
    assert host in lab.hosts and said == f"gatehouse: {THIRD} does not answer: you are on {host}"
    assert seconds < 12
    assert idle.where()[:2] == (host, "")
    # Whoever named the host gets that one or none.
    for _ in range(2):
        _, said, seconds, status = named.where()
        assert status == 255 and f"gatehouse: {THIRD} cannot be reached" in said and seconds < 12
    # What runs there may yet go on, so what is new waits for nothing and goes nowhere else.
    _, said, seconds, status = busy.where()
    assert (said, status) == (f"gatehouse: {THIRD} does not answer", 255) and seconds < 12
    assert program.poll() is None and time.monotonic() - cut < 40

    # When it is given up, the rest says so, and the next program is elsewhere.
    assert program.wait(60) == 255 and f"the connection to {THIRD} was lost".encode() in program.stderr.read()
    host, said, seconds, _ = busy.where()
    assert host in lab.hosts and said == f"gatehouse: {THIRD} does not answer: you are on {host}", said
    assert seconds < 12
    row = next(row for row in lab.sessions() if row["user"] == user and row["host"] == host)
    assert row
    # A client that only waits for connections from there would wait for ever.
    assert ports.wait(60) == 255
    assert b"the ports that were forwarded there" in ports.stderr.read()

    link(lab, "up")
    wait_until(lambda: named.where()[0] == THIRD, "the host to be found again", 60)
    assert all(shared.client.poll() is None for shared in (idle, named, busy))


class FalseHost:
    """Takes connections on this machine, and treats them as `manner` says."""

    def __init__(self, lab):
        self.manner, self.sshd = "garbage", (lab.addresses[lab.host1], 22)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                threading.Thread(target=self.treat, args=(connection,), daemon=True).start()

    def treat(self, connection):
        with suppress(OSError), connection:
            if self.manner == "garbage":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            elif self.manner == "cut":
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.settimeout(20)
                # Its version, and the beginning of the key exchange.
                said = b""
                while b"\n" not in said or len(said) < 300:
                    data = connection.recv(4_096)
                    if not data:
                        return
                    said += data
            else:
                with socket.create_connection(self.sshd, 10) as sshd:
                    back = threading.Thread(target=self.copy, args=(sshd, connection), daemon=True)
                    back.start()
                    self.copy(connection, sshd)
                    back.join()

    @staticmethod
    def copy(source, sink):
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def false_host(lab, pool, scratch_host, teardown):
    """Adds a host to the pool that is none; gives it and its name in the directory. Its key is that of the first host."""

    def false_host():
        false = FalseHost(lab)
        teardown.callback(false.server.close)
        name = scratch_host(false.address, f"{lab.variables['LAB_ROOT']}/hosts/{lab.host1}/ssh_host_ed25519_key.pub")
        lab.gatehouse("pool", "join", pool, name)
        return false, name

    return false_host


@pytest.mark.limit(120)
@pytest.mark.parametrize("manner, words", [
    ("garbage", "does not answer"), ("cut", "does not complete the SSH handshake"),
])
def test_a_host_that_speaks_but_not_ssh(lab, pool, person, false_host, manner, words):
    """Garbage in place of a banner, and key exchanges that are cut, count as no answer; a banner alone does not make it well again."""
    user, mark = person(), lab.mark()
    false, name = false_host()
    false.manner = manner
    assert lab.login(f"{user}+gate", "hosts", "default", name, key=user).status == 0
    host, remark = place(lab, user, pool)
    assert host in (*lab.hosts, THIRD) and remark == f"gatehouse: {name} {words}: you are on {host}"
    lab.wait_event(mark, "host.health", lambda event: event["detail"]["state"] == "does not answer", 60, host=name)
    failures = len(lab.events_after(mark, "host.failed", host=name))
    host, remark = place(lab, user, pool)
    assert host in (*lab.hosts, THIRD) and remark == f"gatehouse: {name} does not answer: you are on {host}"
    assert len(lab.events_after(mark, "host.failed", host=name)) == failures, "it was not tried"
    named = lab.login(f"{user}+{name}", "true", key=user)
    assert named.status == 255 and name.encode() in named.err
    assert not shown(lab, name)["answers"]
    false.manner = "well"
    lab.wait_event(mark, "host.health", lambda event: event["detail"]["state"] == "answers", 90, host=name)


@pytest.mark.limit(120)
def test_another_host_key_is_no_silence(lab, pool, person, scratch_host, make_key):
    """It is refused each time, by jumps and probes not hidden, and no other host stands in: somebody has to look at it."""
    user, mark = person(), lab.mark()
    wrong = scratch_host(lab.addresses[lab.host1], f"{make_key()}.pub")
    lab.gatehouse("pool", "join", pool, wrong)
    assert lab.login(f"{user}+gate", "hosts", "default", wrong, key=user).status == 0
    for _ in range(4):
        result = lab.login(f"{user}+{pool}", "true", key=user)
        assert result.status == 255
        assert f"the host key of {wrong} has changed: nothing was sent to it".encode() in result.err
    assert shown(lab, wrong)["answers"]
    assert lab.events_after(mark, "host.health", host=wrong) == []


@pytest.mark.limit(90)
def test_a_host_that_takes_its_time_after_the_login(lab, setting, teardown):
    """What PAM does before the first program, such as mounting a home, is waited for; that is no silence, and nobody logs in again."""
    setting("ConnectTimeout", "2s")
    host, file = lab.host1, "/etc/pam.d/sshd"
    lab.lab_exec(host, "cp", "-p", file, f"{file}.old")
    teardown.callback(lab.lab_exec, host, "mv", f"{file}.old", file)
    lab.lab_exec(host, "sh", "-c", f"echo 'session optional pam_exec.so quiet /bin/sleep 6' >>{file}")
    mark = lab.mark()
    result = lab.login(f"alice+{host}", "echo", "on", key="alice")
    assert (result.out, result.status) == (b"on\n", 0) and result.seconds > 6, result.err
    assert len(lab.events_after(mark, "host.connected", user="alice")) == 1
    assert not lab.events_after(mark, "host.failed", user="alice")
