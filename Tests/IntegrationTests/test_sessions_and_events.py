"""The book of sessions and the event log."""

import json
import os
import re
import secrets
import signal
import subprocess
import time

import pytest

from lab import record, wait_until
from sockets import connect, read_exactly


@pytest.fixture
def live(lab, start):
    """A live session of alice that answers lines, and its number."""
    mark = lab.mark()
    words = lab.ssh_words("while read line; do echo $line; done")
    client = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    client.stdin.write(b"up\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"up\n"
    session = lab.wait_event(mark, "session.start", user="alice")["session"]
    return client, session


def named(sessions, number):
    """The session of a number, if it is among these."""
    return next((row for row in sessions if number == row["id"]), None)


def test_live_sessions(lab, live):
    """A live session is listed with its user, host and client, and shown by its number."""
    client, number = live
    row = named(lab.sessions(), number)
    assert row["user"] == "alice" and row["host"] == lab.host1
    assert "127.0.0.1" in str(row)
    shown = record(lab.gatehouse_json("session", "show", number))
    assert shown["user"] == "alice"
    assert lab.host1 in lab.gatehouse("session", "list").out.decode()


def test_session_ends(lab, live):
    """A session that has ended leaves the list of live ones and stays in the list of all."""
    client, number = live
    client.stdin.close()
    assert client.wait(10) == 0
    wait_until(lambda: not named(lab.sessions(), number), "the end of the session in the list")
    assert named(lab.sessions("--all"), number)


def test_kill(lab, live):
    """session kill ends a session, and says so in the event log."""
    client, number = live
    mark = lab.mark()
    lab.gatehouse("session", "kill", number)
    assert client.wait(5) == 255
    lab.wait_event(mark, "session.end", session=number)
    assert lab.gatehouse("session", "kill", number, check=False).status in (0, 66)


def numbers_of(event):
    """The numbers in an event, whatever they are called."""
    return [int(number) for number in re.findall(r"\d+", json.dumps(event["detail"]))]


def test_bytes_and_exit(lab):
    """The end of a session is logged with the bytes each way and the program's exit."""
    mark = lab.mark()
    result = lab.ssh("cat > /dev/null; head -c 3000000 /dev/zero; exit 9", input=b"x" * 2_000_000)
    assert (len(result.out), result.status) == (3_000_000, 9)
    end = lab.wait_event(mark, "session.end", user="alice", host=lab.host1)
    numbers = numbers_of(end)
    assert any(2_000_000 <= number < 2_100_000 for number in numbers), end
    assert any(3_000_000 <= number < 3_100_000 for number in numbers), end
    assert 9 in numbers, end


def test_one_story(lab):
    """A session's events tell one story under one number: login, start, host, channel, end."""
    mark = lab.mark()
    assert lab.ssh("true").status == 0
    session = lab.wait_event(mark, "session.end", user="alice")["session"]
    kinds = [event["kind"] for event in lab.events("--session", session)]
    assert set(kinds) >= {"auth.accepted", "session.start", "host.connected", "channel.open", "session.end"}
    order = [kinds.index(kind) for kind in ("auth.accepted", "session.start", "channel.open", "session.end")]
    assert order == sorted(order)


def test_rejected_login(lab, make_key):
    """Each rejected login is an event with the name that was tried and the client's address."""
    mark = lab.mark()
    assert lab.login(f"alice+{lab.host1}", "true", key=make_key()).status == 255
    event = lab.wait_event(mark, "auth.rejected")
    assert "127.0.0.1" in str(event)
    assert "alice" in str(event)


def test_forwards_are_logged(lab, hello, forward):
    """Each channel of a forward is an event with its destination."""
    mark, there = lab.mark(), hello()
    with connect(forward("-L", f"127.0.0.1:{there}")) as connection:
        assert read_exactly(connection, 6) == b"HELLO\n"
    lab.wait_event(mark, "channel.open", user="alice", where=lambda event: str(there) in str(event["detail"]))


def test_filters(lab):
    """event list keeps the events of one user or session, and no more than asked."""
    assert lab.ssh("true").status == 0
    assert lab.ssh("true", user="bob").status == 0
    assert {event["user"] for event in lab.events("--user", "bob")} == {"bob"}
    assert len(lab.events(limit=3)) == 3


def test_follow(lab, start):
    """event list --follow prints each event as it comes."""
    follower = start(
        ["bash", "-c", f'exec {lab.variables["GATEHOUSE"]} event list --follow --json'],
        env=lab.environment(),
        stdout=subprocess.PIPE,
    )
    time.sleep(0.3)
    assert lab.login(f"alice+{lab.host1}", "true", key="bob").status == 255
    deadline = time.monotonic() + 10
    while True:
        assert time.monotonic() < deadline
        line = follower.stdout.readline()
        assert line, "the follower ended"
        if b"auth.rejected" in line:
            break


def test_event_rows(lab):
    """Every event has its columns, with a time in UTC, and they are in order."""
    events = lab.events(limit=50)
    for event in events:
        assert set(event) >= {"id", "time", "kind", "session", "user", "host", "address", "detail"}
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", event["time"])
    times = [event["time"] for event in events]
    assert times == sorted(times)


def test_crash(lab, live, start):
    """A session's process that dies takes its own connection along and nobody else's, and its end is logged."""
    other = start(lab.ssh_words("read line; echo $line"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client, number = live
    mark, before = lab.mark(), lab.session_pids()
    assert before
    victim = lab.session_pid(number)
    os.kill(victim, signal.SIGKILL)
    assert client.wait(5) == 255
    lab.wait_event(mark, "session.end", session=number)
    other.stdin.write(b"alive\n")
    other.stdin.flush()
    assert other.stdout.readline() == b"alive\n"


def test_pool_with_a_dead_host(lab, scratch_user, scratch_host):
    """A pool of which one host does not answer leads to the other."""
    dead, pool = scratch_host(lab.nobodys_address), f"it-{secrets.token_hex(4)}"
    lab.gatehouse("pool", "add", pool)
    lab.gatehouse("pool", "join", pool, dead, lab.host1)
    user = scratch_user(grant=["--pool", pool])
    for login in (f"{user}+{pool}", user):
        result = lab.login(login, "cat /etc/hostname", key=user, timeout=20)
        assert result.out.decode().strip() == lab.host1, result.err.decode()


def test_sticky_pool(lab, live):
    """While alice has a session on a host of the pool, she lands there again."""
    names = {lab.login("alice", "cat /etc/hostname").out for _ in range(3)}
    direct = lab.ssh("cat /etc/hostname").out
    assert names == {direct}


def test_no_secret_in_the_log(lab):
    """No event holds a private key or a certificate."""
    text = json.dumps(lab.events())
    assert "PRIVATE KEY" not in text and "cert-v01" not in text
