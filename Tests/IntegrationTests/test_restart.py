"""The daemon dies; the sessions do not."""

import hashlib
import json
import os
import re
import subprocess

import pytest

from lab import run, wait_until
from sockets import connect, read_exactly, read_to_end


@pytest.fixture
def restart(lab, teardown):
    """Kills the daemon as hard as can be; `restart.again()` starts it as an operator would."""

    class Restart:
        down = False

        def kill(self):
            self.runtime = lab.runtime_directory()
            self.down = True
            return lab.kill_daemon()

        def again(self):
            lab.restart_daemon()
            self.down = False

    state = Restart()
    teardown.callback(lambda: state.down and state.again())
    return state


@pytest.mark.limit(120)
def test_sessions_outlive_the_daemon(lab, restart, start, payload, host_folder, hello, forward):
    """SIGKILL to the daemon cuts no session; after a restart new ones work and the old ones' ends are in the log."""
    file, there, port = payload(100_000_000), host_folder(), hello()
    with open(file, "rb") as source:
        expected = hashlib.file_digest(source, "sha256").hexdigest()
    mark = lab.mark()
    tunnel = connect(forward("-L", f"127.0.0.1:{port}"))
    assert read_exactly(tunnel, 6) == b"HELLO\n"
    upload = start(
        lab.ssh_words(f"cat > {there}/up; sha256sum < {there}/up"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    download = start(
        lab.ssh_words("cat; head -c 100000000 /dev/zero; exit 5"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    download.stdin.write(b"begin")
    download.stdin.flush()
    assert os.read(download.stdout.fileno(), 5) == b"begin"
    with open(file, "rb") as source:
        upload.stdin.write(source.read(50_000_000))
        upload.stdin.flush()
        sessions = {event["session"] for event in lab.events_after(mark, "session.start", user="alice")}
        assert len(sessions) == 3
        restart.kill()
        assert lab.ssh("true", timeout=15).status == 255
        upload.stdin.write(source.read())
    upload.stdin.close()
    assert upload.stdout.read().decode().split()[0] == expected
    assert upload.wait(10) == 0
    tunnel.sendall(b"x" * 1_000)
    tunnel.shutdown(1)
    assert read_to_end(tunnel) == b"GOT 1000\n"
    tunnel.close()
    restart.again()
    assert lab.ssh("echo new").out == b"new\n"
    download.stdin.close()
    count = 0
    while piece := os.read(download.stdout.fileno(), 1 << 20):
        count += len(piece)
    assert (count, download.wait(10)) == (100_000_000, 5)

    def ends():
        return {
            event["session"]: event
            for event in lab.events_after(mark, "session.end")
            if event["session"] in sessions
        }

    wait_until(lambda: len(ends()) >= 2, "the ends of the old sessions")
    numbers = [
        int(number) for event in ends().values() for number in re.findall(r"\d+", json.dumps(event["detail"]))
    ]
    assert any(100_000_000 <= number < 110_000_000 for number in numbers), ends()
    listed = {row.get("id") for row in lab.sessions("--all")}
    assert sessions <= listed
    assert {"daemon.start"} <= {event["kind"] for event in lab.events_after(mark)}


@pytest.mark.limit(60)
def test_end_while_the_daemon_is_away(lab, restart):
    """A session that ends while the daemon is away is in the log after its restart, with its bytes."""
    mark = lab.mark()
    words = lab.ssh_words("read line; head -c 1000000 /dev/zero; exit 4")
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as client:
        session = lab.wait_event(mark, "session.start", user="alice")["session"]
        lab.wait_event(mark, "channel.open", session=session)
        restart.kill()
        out, _ = client.communicate(b"go\n", timeout=20)
    assert (len(out), client.returncode) == (1_000_000, 4)
    restart.again()
    end = lab.wait_event(mark, "session.end", session=session)
    assert any(int(number) >= 1_000_000 for number in re.findall(r"\d+", json.dumps(end["detail"])))
    assert session not in {row.get("id") for row in lab.sessions()}


@pytest.mark.limit(60)
def test_kill_after_a_restart(lab, restart, start):
    """A session from before a restart can still be seen and killed after it."""
    mark = lab.mark()
    client = start(lab.ssh_words("echo up; sleep 60"), stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"up\n"
    session = lab.wait_event(mark, "session.start", user="alice")["session"]
    restart.kill()
    restart.again()
    assert session in {row.get("id") for row in lab.sessions()}
    lab.gatehouse("session", "kill", session)
    assert client.wait(10) == 255


@pytest.mark.limit(60)
def test_gateway_key_stays(lab, restart):
    """25: the gateway's host keys are the same before and after a restart."""
    scan = lambda: sorted(run(["ssh-keyscan", "-p", lab.gateway_port, lab.gateway_host]).out.splitlines())
    before = scan()
    assert before
    restart.kill()
    restart.again()
    assert scan() == before
