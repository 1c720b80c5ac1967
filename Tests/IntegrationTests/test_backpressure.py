"""Slow readers: they cost a window, and nobody else anything."""

import os
import subprocess
import time

import pytest

from lab import free_port, listening, resident_bytes, wait_until
from sockets import connect, converse


def memory(lab):
    """What the daemon and all sessions take, in bytes."""
    return resident_bytes({lab.daemon_pid()} | lab.session_pids())


def settled(read, within=12):
    """Waits until a value that grows stands still for a second, and gives it."""
    value, since, deadline = read(), time.monotonic(), time.monotonic() + within
    while time.monotonic() - since < 1 and time.monotonic() < deadline:
        time.sleep(0.2)
        now = read()
        if now > value + 100_000:
            value, since = now, time.monotonic()
    return read()


@pytest.mark.limit(60)
def test_slow_reader(lab, master, start):
    """20: a reader that stops makes the gateway grow by less than 16 MB, and gets every byte later."""
    shared = master()
    assert shared.ssh("true").status == 0
    before = memory(lab)
    reader = start(shared.words("head -c 300000000 /dev/zero"), stdout=subprocess.PIPE)
    assert len(os.read(reader.stdout.fileno(), 1)) == 1
    assert settled(lambda: memory(lab)) - before < 16_000_000
    count = 1
    while piece := os.read(reader.stdout.fileno(), 1 << 20):
        count += len(piece)
    assert count == 300_000_000
    assert reader.wait(5) == 0


@pytest.mark.limit(60)
def test_slow_program(lab, master, start, host_folder):
    """20: a program that does not read makes the gateway grow by less than 16 MB, and gets every byte later."""
    go, shared = f"{host_folder()}/go", master()
    assert shared.ssh("true").status == 0
    before = memory(lab)
    command = f"until test -e {go}; do sleep 0.1; done; wc -c"
    writer = start(shared.words(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    feeder = start(["head", "-c", "100000000", "/dev/zero"], stdout=writer.stdin)
    writer.stdin.close()
    assert settled(lambda: memory(lab)) - before < 16_000_000
    lab.lab_exec(lab.host1, "touch", go)
    assert writer.stdout.readline().strip() == b"100000000"
    assert feeder.wait(5) == 0


@pytest.mark.released("measures milliseconds")
@pytest.mark.limit(60)
def test_fairness(lab, master, start):
    """21: four stalled readers delay nobody: 20 commands beside them on the connection take below 300 ms each."""
    shared = master()
    stalled = [start(shared.words("cat /dev/zero"), stdout=subprocess.PIPE) for _ in range(4)]
    for reader in stalled:
        assert os.read(reader.stdout.fileno(), 1) == b"\0"
    settled(lambda: memory(lab), 4)
    times = sorted(shared.ssh("true").seconds for _ in range(20))
    # One of twenty may meet another process of this machine.
    assert times[-2] < 0.3 and times[-1] < 1, times


@pytest.mark.limit(60)
def test_stalled_forward(lab, hello, forward, master, start):
    """21: a stalled forward delays neither a program nor another forward of the connection."""
    shared, there = master(), hello()
    ours = free_port()
    assert shared.control("forward", "-L", f"127.0.0.1:{ours}:127.0.0.1:{there}").status == 0
    wait_until(lambda: listening(ours), "the forward")
    stalled = start(shared.words("cat /dev/zero"), stdout=subprocess.PIPE)
    assert os.read(stalled.stdout.fileno(), 1) == b"\0"
    for _ in range(5):
        before = time.monotonic()
        converse(connect(ours), 1_000_000)
        assert time.monotonic() - before < 2


@pytest.mark.limit(60)
def test_slow_peer_does_not_slow_others(lab, start):
    """A stalled connection leaves the speed of another as it is."""
    stalled = start(lab.ssh_words("cat /dev/zero"), stdout=subprocess.PIPE)
    assert os.read(stalled.stdout.fileno(), 1) == b"\0"
    result = lab.ssh("head -c 100000000 /dev/zero", timeout=20)
    assert len(result.out) == 100_000_000


@pytest.mark.limit(60)
def test_client_that_disappears(lab, start):
    """A stalled client that is killed leaves no session process behind."""
    before = lab.session_pids()
    stalled = start(lab.ssh_words("cat /dev/zero"), stdout=subprocess.PIPE)
    assert os.read(stalled.stdout.fileno(), 1) == b"\0"
    ours = lab.session_pids() - before
    stalled.kill()
    stalled.wait()
    wait_until(lambda: not (lab.session_pids() & ours), "the end of the session's process", 10)


def test_connections_do_not_block(lab, start):
    """No connection of a session blocks: else a peer that stands still could hold up the others."""
    others = lab.session_pids()
    live = start(lab.ssh_words("echo up; sleep 60"), stdout=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"
    [session] = lab.session_pids() - others
    process = f"/proc/{session}"
    with open(f"{process}/net/tcp") as table:
        connections = {f"socket:[{row.split()[9]}]" for row in list(table)[1:]}
    flags = []
    for name in os.listdir(f"{process}/fd"):
        if os.readlink(f"{process}/fd/{name}") in connections:
            with open(f"{process}/fdinfo/{name}") as information:
                flags.append(int(information.read().split("flags:")[1].split()[0], 8))
    assert len(flags) >= 2 and all(flag & os.O_NONBLOCK for flag in flags), flags
