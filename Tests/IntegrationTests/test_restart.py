"""The daemon dies; the sessions do not."""

import contextlib
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

from lab import run, wait_until
from sockets import connect, read_exactly, read_to_end
from test_grants import ends


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


@pytest.mark.limit(150)
def test_grants_that_ended_meanwhile(lab, restart, scratch_user, start):
    """What was granted until a moment at which there was no daemon ends with the next one, in sessions and jumps alike."""
    user = scratch_user(grant=["--host", lab.host1, "--no-forwarding"])
    jump = f"jump-{lab.host1}"

    def begin(alias):
        client = start(lab.ssh_words("echo up; sleep 1000", user=user, alias=alias), stdout=subprocess.PIPE)
        assert client.stdout.readline() == b"up\n"
        return client

    kept = [begin(lab.host1), begin(jump)]
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--until", "1h")
    grant = max(row["id"] for row in lab.rows("grant", "list") if row.get("user") == user)
    ended = [begin(lab.host1), begin(jump)]
    mark = lab.mark()
    restart.kill()
    # An hour goes by.
    with contextlib.closing(sqlite3.connect(lab.variables["DIRECTORY_DB"], timeout=10)) as database, database:
        database.execute("UPDATE grants SET until = ? WHERE id = ?", (int(time.time()) * 1_000, grant))
    assert [client.poll() for client in ended] == [None, None]
    restart.again()
    wait_until(lambda: all(client.poll() is not None for client in ended), "the end of what was given", timeout=60)
    reasons = {
        f"what was granted on {lab.host1} is not granted any more",
        f"what a jump to {lab.host1} was given is not granted any more",
    }
    wait_until(lambda: ends(lab, mark, user) == reasons, "the ends in the log", timeout=30)
    assert [client.poll() for client in kept] == [None, None]
    lab.wait_event(mark, "account.applied", lambda event: "end of a grant" in event["detail"]["by"], 60)


@pytest.mark.limit(60)
def test_gateway_key_stays(lab, restart):
    """25: the gateway's host keys are the same before and after a restart."""
    scan = lambda: sorted(run(["ssh-keyscan", "-p", lab.gateway_port, lab.gateway_host]).out.splitlines())
    before = scan()
    assert before
    restart.kill()
    restart.again()
    assert scan() == before
