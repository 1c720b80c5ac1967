"""Hosts that sleep: `ssh` starts their instance, says so, and connects; or says why not, and leaves nothing running."""

import os
import pty
import re
import secrets
import select
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hosts import tamper
from lab import kill_group, record, run, wait_until

LIMIT = 90


@pytest.fixture
def asleep(lab, teardown):
    """The second host, stopped as its owner would at the console, and a grant of bob that wakes it."""
    host = lab.host2
    teardown.callback(lab.gatehouse, "host", "refresh")
    teardown.callback(lambda: lab.aws(reset=True, power={host: "on"}))
    teardown.callback(wait_until, lambda: not waking(lab), "the end of wakes", 40)
    added = lab.gatehouse("grant", "add", "--user", "bob", "--host", host, "--agent", "--wake").out.decode()
    teardown.callback(lab.gatehouse, "grant", "remove", re.search(r"grant (\d+) added", added)[1])
    lab.aws(power={host: "off"})
    lab.gatehouse("host", "refresh")
    assert state(lab, host) == "stopped"
    return host


def state(lab, host):
    return record(lab.gatehouse_json("host", "show", host))["instance"]["state"]


def waking(lab):
    """Whether an instance is on its way."""
    return any(entry["state"] in ("pending", "stopping") for entry in lab.aws()["instances"].values())


def calls(lab, action):
    return lab.aws()["calls"].get(action, 0)


@pytest.mark.limit(LIMIT)
def test_ssh_to_a_stopped_host_starts_it_and_connects(lab, asleep):
    mark = lab.mark()
    result = lab.ssh("echo here; hostname", alias=asleep, user="bob", timeout=60)
    assert result.status == 0, result.err
    assert result.out.decode().split() == ["here", asleep]
    assert re.search(rb"gatehouse: waking " + asleep.encode() + rb": \w+, \d+ s", result.err)
    steps = [event["detail"]["what"] for event in lab.events_after(mark, "host.wake", host=asleep)]
    assert steps == ["begun", "started", "answers"]
    assert state(lab, asleep) == "running"
    # Awake now, nothing is said.
    assert lab.ssh("true", alias=asleep, user="bob").err == b""


@pytest.mark.limit(LIMIT)
def test_without_the_grant_nothing_is_started(lab, asleep):
    before = calls(lab, "ec2.StartInstances")
    refused = lab.ssh("true", alias=asleep)
    assert refused.status == 255
    assert f"{asleep} is stopped. Ask your administrator to start it.".encode() in refused.err
    listed = lab.gatehouse("grant", "list").out.decode()
    assert re.search(rf"user bob +host {asleep} +agent, wake", listed)
    assert calls(lab, "ec2.StartInstances") == before


@pytest.mark.limit(LIMIT)
def test_a_terminal_shows_one_line_that_is_written_over(lab, asleep):
    lab.aws(timing={"start": 4})
    pid, master = pty.fork()
    if pid == 0:
        words = lab.ssh_words("-tt", "echo done-$((1+1))", alias=asleep, user="bob")
        os.execvp(words[0], words)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 1)
        if ready:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    progress = re.findall(rb"\r\x1b\[Kgatehouse: waking " + asleep.encode() + rb": ([^\r]+), (\d+) s", shown)
    assert len(progress) >= 3, shown
    assert b"pending" in [phase for phase, _ in progress]
    seconds = [int(number) for _, number in progress]
    assert seconds == sorted(seconds)
    # The line is wiped before the program's own output, and no line of its own was used up.
    before, _, _ = shown.partition(b"done-2")
    assert before.endswith(b"\r\x1b[K") and b"\n" not in before


@pytest.mark.limit(LIMIT)
def test_many_logins_at_once_start_it_once_and_all_wait(lab, asleep):
    mark, before = lab.mark(), calls(lab, "ec2.StartInstances")
    lab.aws(timing={"start": 3})
    results = [None] * 6

    def log_in(number):
        results[number] = lab.ssh("hostname", alias=asleep, user="bob", timeout=60)

    threads = [threading.Thread(target=log_in, args=[number]) for number in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(result.status, result.out.decode().strip()) for result in results] == [(0, asleep)] * 6
    assert calls(lab, "ec2.StartInstances") == before + 1
    assert len(lab.events_after(mark, "host.wake", where=lambda event: event["detail"]["what"] == "started")) == 1


@pytest.mark.limit(LIMIT)
def test_a_jump_wakes_too_and_says_nothing(lab, asleep):
    result = lab.ssh("hostname", alias=f"jump-{asleep}", user="bob", timeout=60)
    assert (result.status, result.out.decode().strip(), result.err) == (0, asleep, b"")


@pytest.mark.limit(LIMIT)
def test_a_jump_wakes_a_host_of_which_nobody_knew_that_it_sleeps(lab, asleep):
    lab.aws(power={asleep: "on"})
    lab.gatehouse("host", "refresh")
    lab.aws(power={asleep: "off"})
    result = lab.ssh("hostname", alias=f"jump-{asleep}", user="bob", timeout=80)
    assert (result.status, result.out.decode().strip(), result.err) == (0, asleep, b"")


@pytest.fixture
def sleeping_pool(lab, asleep, teardown):
    """A pool of both hosts, of which the first sleeps too, with grants of bob and carol that wake them.

    Bob's own choice is the second. Carol has had a terminal multiplexer on the first, which draws her there.
    """
    name = f"it-{secrets.token_hex(4)}"
    teardown.callback(lab.gatehouse, "host", "refresh")
    teardown.callback(lambda: lab.aws(power={lab.host1: "on"}))
    lab.gatehouse("pool", "add", name)
    lab.gatehouse("pool", "join", name, *lab.hosts)
    teardown.callback(lab.gatehouse, "pool", "leave", name, *lab.hosts)
    for user in ("bob", "carol"):
        added = lab.gatehouse("grant", "add", "--user", user, "--pool", name, "--wake").out.decode()
        teardown.callback(lab.gatehouse, "grant", "remove", re.search(r"grant (\d+) added", added)[1])
    teardown.callback(lab.ssh, "hosts", "default", "--clear", alias="gate", user="bob")
    assert lab.ssh("hosts", "default", lab.host2, alias="gate", user="bob").status == 0
    begun = lab.ssh("tmux -L it new-session -d -s it 'sleep 600'", alias=lab.host1, user="carol")
    assert begun.status == 0, begun.err
    service = {"uid": lab.uid("carol"), "name": "tmux"}
    load = lambda: record(lab.gatehouse_json("host", "show", lab.host1))["load"]
    wait_until(lambda: service in (load() or {"services": []})["services"], "the watcher's word of the tmux", 60)
    lab.aws(power={lab.host1: "off"}, timing={"start": 4})
    lab.gatehouse("host", "refresh")
    assert [state(lab, host) for host in lab.hosts] == ["stopped", "stopped"]
    return name


def jump_into(lab, pool, user, *words):
    """`ssh -J` to a pool."""
    jump = lab.ssh_words(alias="gateway", user=user, options=["-W", f"{pool}:22"])
    options = ["-o", f"ProxyCommand={' '.join(jump)}", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    own = ["-i", lab.keys[user], "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-l", user]
    return run(["ssh", "-F", "none", *options, *own, pool, *words], timeout=80)


@pytest.mark.limit(150)
def test_of_a_pool_that_sleeps_one_is_started_for_all(lab, sleeping_pool):
    """Whoever comes while one starts waits for that one: a jump that asks each second, and a login of somebody else."""
    mark, before = lab.mark(), calls(lab, "ec2.StartInstances")
    with ThreadPoolExecutor(2) as threads:
        jump = threads.submit(jump_into, lab, sleeping_pool, "bob", "hostname")
        lab.wait_event(mark, "host.wake", lambda event: event["detail"]["what"] == "started", 30, host=lab.host2)
        login = threads.submit(lab.login, f"carol+{sleeping_pool}", "hostname", key="carol", timeout=80)
        results = [jump.result(), login.result()]
    assert [(result.status, result.out.decode().strip()) for result in results] == [(0, lab.host2)] * 2, results
    assert calls(lab, "ec2.StartInstances") == before + 1
    assert lab.events_after(mark, "host.health") == []


@pytest.mark.limit(LIMIT)
def test_keep_alives_flow_while_it_wakes(lab, asleep):
    lab.aws(timing={"start": 6})
    options = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o", "ConnectTimeout=2"]
    result = lab.ssh("hostname", alias=asleep, user="bob", options=options, timeout=60)
    assert (result.status, result.out.decode().strip()) == (0, asleep)


@pytest.mark.limit(LIMIT)
def test_a_host_of_which_nobody_knew_that_it_sleeps_is_woken(lab, asleep):
    """EC2 stopped it after the last inventory: the gateway learns that when it does not answer."""
    lab.aws(power={asleep: "on"})
    lab.gatehouse("host", "refresh")
    lab.aws(power={asleep: "off"})
    result = lab.ssh("hostname", alias=asleep, user="bob", timeout=80)
    assert (result.status, result.out.decode().strip()) == (0, asleep), result.err


@pytest.mark.limit(LIMIT)
def test_an_agent_that_is_up_before_sshd_does_not_hold_a_wake_up(lab, asleep):
    """The agent does not tell that a port is closed: the way through Session Manager is not waited for for long."""
    lab.aws(boot={asleep: "late"})
    result = lab.ssh("hostname", alias=asleep, user="bob", timeout=60)
    assert (result.status, result.out.decode().strip()) == (0, asleep), result.err


@pytest.mark.limit(LIMIT)
def test_another_address_is_learned_and_the_pinned_key_still_checked(lab, asleep, teardown):
    address = lab.addresses[asleep]
    moved = address.rsplit(".", 1)[0] + ".77"

    def move_back():
        lab.aws(power={asleep: "off"})
        lab.aws(boot={asleep: address})
        lab.gatehouse("host", "refresh")
        lab.ssh("true", alias=asleep, user="bob", timeout=60)
        lab.aws(reset=True)

    # The directory follows an address that the cloud told; that of the lab was given by hand.
    lab.aws(power={asleep: "on"})
    lab.gatehouse("host", "refresh")
    lab.aws(power={asleep: "off"}, boot={asleep: moved})
    lab.gatehouse("host", "refresh")
    teardown.callback(move_back)
    result = lab.ssh("hostname", alias=asleep, user="bob", timeout=60)
    assert (result.status, result.out.decode().strip()) == (0, asleep), result.err
    assert record(lab.gatehouse_json("host", "show", asleep))["address"] == moved


ERRORS = [
    (
        {"code": "InsufficientInstanceCapacity", "message": "We currently do not have sufficient capacity.", "status": 500},
        ["no room", "InsufficientInstanceCapacity", "Nothing was left running", "Try again in some minutes"],
    ),
    (
        {"code": "VcpuLimitExceeded", "message": "You have requested more vCPU capacity than your limit.", "status": 400},
        ["quota", "VcpuLimitExceeded", "Nothing was left running"],
    ),
    (
        {"code": "UnauthorizedOperation", "message": "You are not authorized to perform this operation.", "status": 403},
        ["may not do that", "ec2:StartInstances", "Nothing was left running"],
    ),
]


@pytest.mark.limit(LIMIT)
@pytest.mark.parametrize("failure, words", ERRORS, ids=[failure["code"] for failure, _ in ERRORS])
def test_what_the_cloud_refuses_is_said(lab, asleep, failure, words):
    mark = lab.mark()
    lab.aws(fail={"ec2.StartInstances": failure})
    result = lab.ssh("true", alias=asleep, user="bob", timeout=60)
    assert (result.status, result.out) == (255, b"")
    said = result.err.decode()
    for word in words:
        assert word in said
    failed = lab.wait_event(mark, "host.wake", lambda event: event["detail"]["what"] == "failed", host=asleep)
    assert words[1] in failed["detail"]["reason"]
    assert lab.aws()["instances"][lab.instance(asleep)]["state"] == "stopped"


@pytest.mark.limit(LIMIT)
def test_a_jump_that_fails_says_why(lab, asleep):
    lab.aws(fail={"ec2.StartInstances": ERRORS[1][0]})
    result = lab.ssh("true", alias=f"jump-{asleep}", user="bob", timeout=60)
    assert result.status == 255
    assert b"quota" in result.err and result.out == b""


@pytest.mark.limit(LIMIT)
def test_an_instance_that_falls_back_says_why(lab, asleep):
    lab.aws(boot={asleep: "back"}, timing={"start": 0.2})
    result = lab.ssh("true", alias=asleep, user="bob", timeout=80)
    assert result.status == 255
    assert b"stopped again by itself: Server.InsufficientInstanceCapacity" in result.err


@pytest.mark.limit(120)
def test_an_instance_that_never_answers_is_stopped_again(lab, asleep):
    mark = lab.mark()
    lab.aws(boot={asleep: "dark"})
    result = lab.ssh("true", alias=asleep, user="bob", timeout=100)
    assert (result.status, result.out) == (255, b"")
    said = result.err.decode()
    assert f"{asleep} did not answer in 20 seconds" in said and "It was stopped again" in said
    failed = lab.wait_event(mark, "host.wake", lambda event: event["detail"]["what"] == "failed", host=asleep)
    assert "It was stopped again" in failed["detail"]["reason"]
    instance = lab.instance(asleep)
    wait_until(lambda: lab.aws()["instances"][instance]["state"] == "stopped", "it to be stopped", 30)


@pytest.mark.limit(120)
def test_what_was_started_is_looked_after_by_the_next_daemon(lab, asleep):
    """A daemon that is killed while an instance starts leaves none running that never answers."""
    mark = lab.mark()
    lab.aws(boot={asleep: "dark"})
    words = lab.ssh_words("true", alias=asleep, user="bob")
    client = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        lab.wait_event(mark, "host.wake", lambda event: event["detail"]["what"] == "started", 30, host=asleep)
        lab.kill_daemon()
    finally:
        kill_group(client)
        client.wait()
        lab.restart_daemon()
    failed = lab.wait_event(
        mark, "host.wake", lambda event: event["detail"]["what"] == "failed", 60, host=asleep
    )
    assert "It was stopped again" in failed["detail"]["reason"]
    instance = lab.instance(asleep)
    wait_until(lambda: lab.aws()["instances"][instance]["state"] == "stopped", "it to be stopped", 30)


@pytest.mark.limit(LIMIT)
def test_an_event_that_cannot_be_written_leaves_nobody_waiting(lab, asleep, teardown):
    """What EC2 was told is followed up, whether or not the log could take it."""
    mark = lab.mark()
    teardown.callback(tamper, lab, ("DROP TRIGGER IF EXISTS full",))
    tamper(lab, (
        "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.kind = 'host.wake' AND NEW.detail LIKE '%started%' "
        "BEGIN SELECT RAISE(ABORT, 'no room'); END",
    ))
    result = lab.ssh("hostname", alias=asleep, user="bob", timeout=60)
    assert (result.status, result.out.decode().strip()) == (0, asleep), result.err
    steps = [event["detail"]["what"] for event in lab.events_after(mark, "host.wake", host=asleep)]
    assert steps == ["begun", "answers"]


@pytest.mark.limit(120)
def test_what_an_earlier_wake_could_not_stop_the_next_one_stops(lab, asleep):
    lab.aws(boot={asleep: "dark"}, fail={"ec2.StopInstances": ERRORS[2][0]})
    left = lab.ssh("true", alias=asleep, user="bob", timeout=60)
    assert left.status == 255 and b"It could not be stopped again and may still run" in left.err
    stopped = lab.ssh("true", alias=asleep, user="bob", timeout=60)
    assert stopped.status == 255 and b"It was stopped again" in stopped.err
    instance = lab.instance(asleep)
    wait_until(lambda: lab.aws()["instances"][instance]["state"] == "stopped", "it to be stopped", 30)
