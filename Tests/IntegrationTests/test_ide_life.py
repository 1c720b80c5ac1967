"""What an IDE that stays for days goes through: an upload of its server, reconnects, silence, another gateway."""

import os
import secrets
import signal
import subprocess
import time

import pytest

from conftest import HELLO
from gateway import Gateway
from lab import free_port, listening, run, wait_until
from sockets import converse, read_exactly, read_to_end, socks_connect
from test_files import digest, digest_there
from test_run_command import gateway


class Window:
    """One window of VS Code: `ssh -T -D`, whose script starts the server on the host or finds it running there."""

    def __init__(self, start, words, port):
        """`words` makes the command line of `ssh` out of options and a command; `port` is where the server is to listen."""
        self.proxy, mark = free_port(), secrets.token_hex(8)
        script = f"""
            export SERVER='{HELLO}'
            up() {{ (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; }}
            up || setsid sh -c 'sleep 300 | exec python3 -c "$SERVER" 127.0.0.1 {port}' </dev/null >/dev/null 2>&1 &
            until up; do sleep 0.1; done
            echo '{mark}:' $(pgrep -f 'python3 -c .* 127.0.0.1 {port}$' -u $(id -u)) end
            exec cat
            """
        options = ["-T", "-D", f"127.0.0.1:{self.proxy}", "-o", "ServerAliveInterval=1"]
        self.client = start(words(options, ["bash"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.client.stdin.write(script.encode())
        self.client.stdin.flush()
        line = self.client.stdout.readline().decode().split()
        assert line and line[0] == f"{mark}:" and line[-1] == "end", self.client.stderr.read().decode()
        #: The processes of the server.
        self.server = line[1:-1]
        wait_until(lambda: listening(self.proxy), "the SOCKS listener")

    def talks(self, port):
        converse(socks_connect(self.proxy, port), 20_000)

    def echoes(self):
        """Whether what goes to the script comes back: the connection is the one it was."""
        word = secrets.token_hex(8).encode()
        self.client.stdin.write(word + b"\n")
        self.client.stdin.flush()
        return self.client.stdout.readline().strip() == word


@pytest.mark.limit(180)
def test_upload_of_a_server(lab, host_folder, payload, tmp_path):
    """An IDE's server of 300 MB goes up over SFTP in one piece and is renamed into its place."""
    file, there = payload(300_000_000), host_folder()
    batch = tmp_path / "batch"
    batch.write_text(f"put {file} {there}/server.tmp\nrename {there}/server.tmp {there}/server\n")
    result = run(lab.ssh_words(program="sftp", options=["-b", batch]), timeout=150)
    assert result.status == 0, result.err.decode()
    assert digest_there(lab, f"{there}/server") == digest(file)


@pytest.mark.limit(90)
def test_a_lid_is_closed(lab, start, teardown):
    """A window that is gone without a word leaves its server; the next ones find it, and so does one beside them."""
    words = lambda options, command: lab.ssh_words(*command, options=options)
    port = free_port()
    teardown.callback(lab.lab_exec, lab.host1, "pkill", "-U", lab.uid("alice"), "-f", f"127.0.0.1 {port}", check=False)
    server = None
    for _ in range(3):
        window = Window(start, words, port)
        assert window.server and window.server == (server or window.server)
        server = window.server
        window.talks(port)
        window.client.kill()
    windows = [Window(start, words, port) for _ in range(2)]
    assert all(window.server == server for window in windows)
    for window in windows:
        window.talks(port)


def mover(gateway, lab, **more):
    """A gateway with one person who may reach one host, and the words of their `ssh`, as `ssh-config` has them."""
    here = gateway(**more)
    here.add("it-mover", lab.host1)
    here("account", "apply", lab.host1)
    key = here.configuration.with_name("key-it-mover")
    entries = run(here.ssh_words("it-mover", "gate", "ssh-config", "--gateway", f"127.0.0.1:{here.port}"))
    assert entries.status == 0, entries.err.decode()
    file = here.configuration.with_name("ssh_config")
    file.write_bytes(entries.out)
    known = here.configuration.with_name("known_hosts")
    # What the entries come with, as comments, for the person to put there.
    lines = [line.lstrip("# ") for line in entries.out.decode().splitlines() if " ssh-ed25519 " in line]
    known.write_text("\n".join(lines) + "\n")

    def words(options, command):
        fixed = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}",
                 "GlobalKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        flags = [word for option in fixed for word in ("-o", option)]
        return ["ssh", *options, "-F", file, *flags, "-i", key, lab.host1, *command]

    return here, words


@pytest.mark.limit(120)
def test_silence(lab, gateway, start):
    """Windows in which nobody types outlive every limit of the gateway several times: on hosts, certificates and logins."""
    settings = ["HostAliveTimeout 3s", "CertificateValidity 10s", "LoginGraceTime 5s"]
    _, words = mover(gateway, lab, settings=settings)
    port = free_port()
    window = Window(start, words, port)
    with socks_connect(window.proxy, port) as forward:
        assert read_exactly(forward, 6) == b"HELLO\n"
        time.sleep(25)
        assert window.client.poll() is None and window.echoes()
        forward.sendall(b"x" * 1_000)
        forward.shutdown(1)
        assert read_to_end(forward) == b"GOT 1000\n"
    window.talks(port)


@pytest.mark.limit(120)
def test_the_gateway_moves(lab, gateway, start, teardown, tmp_path):
    """The gateway's machine dies; its state goes on at another address: same entries, no question, the server is found again."""
    old, words = mover(gateway, lab)
    port = free_port()
    window = Window(start, words, port)
    window.talks(port)
    sessions = {row["id"] for row in old.rows("session", "list")}
    assert len(sessions) == 1
    for pid in [old.process.pid, *old.session_pids()]:
        os.kill(pid, signal.SIGKILL)
    assert window.client.wait(20) == 255
    old.process.wait(10)
    folder = tmp_path / "new"
    folder.mkdir()
    new = Gateway(lab, folder, old.key, {}, address="127.0.0.2", state=old.state)
    teardown.callback(new.end)
    elsewhere = ["-o", "HostName=127.0.0.2", "-o", f"Port={new.port}"]
    again = Window(start, lambda options, command: words([*elsewhere, *options], command), port)
    assert again.server == window.server
    again.talks(port)
    # Its book knows what was, and that it is over.
    known = {row["id"]: row for row in new.rows("session", "list", "--all")}
    assert sessions < set(known)
    wait_until(lambda: sessions & {row["id"] for row in new.rows("session", "list")} == set(), "the old session is over")
