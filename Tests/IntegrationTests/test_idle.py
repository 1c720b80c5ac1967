"""Hosts that nobody uses are warned and stopped; whatever uses them keeps them, and what cannot be measured is left alone."""

import re
import subprocess
import time

import pytest

from lab import TOP, free_port, kill_group, listening, record, wait_until
from test_wake import calls, state, waking

#: As a policy says it; warnings come 4 and 1.3 seconds before.
POLICY = "12s"


@pytest.fixture
def policed(lab, teardown):
    """The second host, to be stopped when nobody has used it for 12 seconds, and a grant of bob that wakes it."""
    host = lab.host2
    added = lab.gatehouse("grant", "add", "--user", "bob", "--host", host, "--wake").out.decode()
    teardown.callback(lab.gatehouse, "host", "refresh")
    teardown.callback(lambda: lab.aws(reset=True, power={host: "on"}))
    teardown.callback(wait_until, lambda: not waking(lab), "the end of starts and stops", 40)
    teardown.callback(lab.gatehouse, "grant", "remove", re.search(r"grant (\d+) added", added)[1])
    teardown.callback(lab.gatehouse, "host", "set", host, "--idle-stop", "none")
    teardown.callback(lab.gatehouse, "host", "keep", host, "--clear")
    # Whoever is on the host's terminals would see it there.
    lab.lab_exec(host, "sh", "-c", "printf '#!/bin/sh\\ncat >>/run/wall.log\\n' >/usr/local/bin/wall; "
                 "chmod 755 /usr/local/bin/wall; rm -f /run/wall.log")
    teardown.callback(lab.lab_exec, host, "rm", "-f", "/usr/local/bin/wall", "/run/wall.log")
    lab.gatehouse("host", "refresh")
    lab.gatehouse("host", "set", host, "--idle-stop", POLICY)
    return host


def use(lab, host):
    """How the host is used, as `host show` says it."""
    found = re.search(r"^use: +(.*)$", lab.gatehouse("host", "show", host).out.decode(), re.M)
    return found[1] if found else ""


def wait_for_use(lab, host, pattern, timeout=60):
    wait_until(lambda: re.search(pattern, use(lab, host)), f"{host} to be used as {pattern}", timeout)


def sleeps(lab, mark, host):
    return [event["detail"]["what"] for event in lab.events_after(mark, "host.sleep", host=host)]


@pytest.mark.limit(150)
def test_a_host_that_nobody_uses_is_warned_and_stopped_and_woken_by_ssh(lab, policed):
    mark = lab.mark()
    assert re.search(r"^idle stop: +12s$", lab.gatehouse("host", "show", policed).out.decode(), re.M)
    wait_for_use(lab, policed, r"^idle \d+s, stopped in \d+s$")
    shown = record(lab.gatehouse_json("host", "show", policed))
    assert shown["idle_stop"] == {"pool": None, "seconds": 12}
    assert shown["idle"]["idle"] >= 0 and shown["idle"]["stops_in"] <= 12
    lab.wait_event(mark, "host.sleep", lambda event: event["detail"]["what"] == "stopped", 90, host=policed)
    assert sleeps(lab, mark, policed) == ["warning", "warning", "stopped"]
    stopped = lab.events_after(mark, "host.sleep", host=policed)[-1]
    assert re.fullmatch(r"nobody has used it for \d+s", stopped["detail"]["reason"])
    wait_until(lambda: state(lab, policed) in ("stopping", "stopped"), "the directory to know", 20)
    warnings = lab.lab_exec(policed, "cat", "/run/wall.log").out.decode()
    assert f"Nobody has used {policed} for a while: it is stopped in 4s." in warnings
    assert "it is stopped in 1s." in warnings
    # Also while it is still stopping: it is started when it has stopped.
    result = lab.ssh("hostname", alias=policed, user="bob", timeout=60)
    assert (result.status, result.out.decode().strip()) == (0, policed), result.err
    assert b"gatehouse: waking" in result.err


@pytest.mark.limit(150)
def test_who_comes_while_it_is_being_stopped_waits_and_has_it_woken(lab, policed):
    """Nobody is sent onto a host that is about to end: neither before EC2 has taken the order, nor before it shows."""
    mark = lab.mark()
    lab.aws(fail={"ec2.StopInstances": {"count": 6}}, timing={"lag": 3})
    before = calls(lab, "ec2.StopInstances")
    wait_until(lambda: calls(lab, "ec2.StopInstances") > before, "the order to stop it", 90)
    result = lab.ssh("hostname", alias=policed, user="bob", timeout=80)
    assert (result.status, result.out.decode().strip()) == (0, policed), result.err
    assert f"gatehouse: waking {policed}: stopping, ".encode() in result.err
    assert sleeps(lab, mark, policed)[-1] == "stopped"
    woken = lab.events_after(mark, "host.wake", host=policed)
    # It was stopped, and started for who came.
    assert [event["detail"]["what"] for event in woken] == ["begun", "started", "answers"]


@pytest.mark.limit(200)
def test_what_uses_a_host_keeps_it(lab, policed, teardown, start):
    mark = lab.mark()

    # A session, also one that does nothing.
    words = lab.ssh_words("sleep", "300", alias=policed)
    client = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    teardown.callback(lambda: (kill_group(client), client.wait()))
    wait_for_use(lab, policed, "^kept: a session$")

    # A multiplexer that is left running.
    lab.ssh("exec setsid -f bash -c 'exec -a tmux sleep 300' >/dev/null 2>&1", alias=policed)
    kill_group(client)
    client.wait()
    wait_for_use(lab, policed, "^kept: tmux of alice$")
    time.sleep(14)
    assert use(lab, policed) == "kept: tmux of alice"
    assert sleeps(lab, mark, policed) == []

    # A program that computes.
    burn = "exec setsid -f sh -c 'while :; do :; done' >/dev/null 2>&1"
    lab.ssh(burn, alias=policed)
    lab.lab_exec(policed, "pkill", "-f", "^tmux")
    wait_for_use(lab, policed, r"^kept: sh of alice, \d+\.\d\d processors$")
    time.sleep(14)
    assert use(lab, policed).startswith("kept: sh of alice")
    lab.lab_exec(policed, "pkill", "-u", "alice")
    wait_for_use(lab, policed, r"^idle ")

    # A connection past the gateway that only forwards.
    port = free_port()
    words = lab.ssh_words(alias=f"jump-{policed}", options=[
        "-o", "ProxyJump=none", "-o", f"HostName={lab.addresses[policed]}", "-N", "-L", f"{port}:127.0.0.1:9"])
    start(words)
    wait_until(lambda: listening(port), "the forward", 20)
    wait_for_use(lab, policed, "^kept: login of alice$", 30)
    assert "stopped" not in sleeps(lab, mark, policed)


@pytest.mark.limit(150)
def test_a_keep_holds_until_it_is_taken_back(lab, policed):
    mark = lab.mark()
    clock = time.strftime("%H:%M", time.localtime(time.time() + 7_200))
    kept = lab.ssh("keep", policed, "until", clock, alias="gate", user="bob")
    assert kept.status == 0 and f"host {policed} is kept until ".encode() in kept.out
    assert re.search(r"^kept: +until \S+ by bob$", lab.gatehouse("host", "show", policed).out.decode(), re.M)
    too_long = lab.ssh("keep", policed, "until", "3d", alias="gate", user="bob")
    assert too_long.status == 77 and b"more than a day" in too_long.err
    assert lab.ssh("keep", policed, "until", "2h", alias="gate", user="carol").status == 66
    # What the operator wants is not bob's to take back.
    lab.gatehouse("host", "keep", policed, "until", "3d")
    for words in (("until", "2h"), ("--clear",)):
        refused = lab.ssh("keep", policed, *words, alias="gate", user="bob")
        assert refused.status == 77 and f"{policed} is kept until ".encode() in refused.err
    wait_for_use(lab, policed, r"^idle 1[4-9]s$")
    assert sleeps(lab, mark, policed) == []
    # Warnings that reach nobody are in the log.
    log = lab.path.with_name("gatehoused.log")
    said = log.stat().st_size
    lab.lab_exec(policed, "sh", "-c", "printf '#!/bin/sh\\necho broken >&2; exit 3\\n' >/usr/local/bin/wall")
    lab.gatehouse("host", "keep", policed, "--clear")
    # However long it was idle while it was kept: the warnings come first.
    lab.wait_event(mark, "host.sleep", lambda event: event["detail"]["what"] == "stopped", 60, host=policed)
    assert sleeps(lab, mark, policed) == ["warning", "warning", "stopped"]
    news = log.read_bytes()[said:].decode()
    assert f"wall on {policed} failed with status 3: broken" in news, news


@pytest.mark.limit(120)
def test_a_host_that_cannot_be_measured_is_not_stopped(lab, policed):
    mark = lab.mark()
    wait_for_use(lab, policed, r"^idle ")
    lab.aws(agent={policed: "off"})
    wait_for_use(lab, policed, r"^not known: it cannot be measured: ", 60)
    time.sleep(5)
    assert "stopped" not in sleeps(lab, mark, policed)
    assert state(lab, policed) == "running"


def test_a_pool_says_when_its_hosts_are_stopped(lab, teardown):
    teardown.callback(lab.gatehouse, "pool", "set", "communal", "--idle-stop", "none")
    before = calls(lab, "ssm.SendCommand")
    lab.gatehouse("pool", "set", "communal", "--idle-stop", "45m")
    assert b"45m (pool communal)" in lab.gatehouse("host", "show", lab.host1).out
    assert record(lab.gatehouse_json("host", "show", lab.host1))["idle_stop"] == {"pool": "communal", "seconds": 2700}
    for host in lab.hosts:
        wait_for_use(lab, host, r"^(idle \d+s, stopped in 4\dm|kept: .*)$")
    # What is due together is one command.
    assert calls(lab, "ssm.SendCommand") == before + 1
    lab.gatehouse("host", "set", lab.host1, "--idle-stop", "never")
    teardown.callback(lab.gatehouse, "host", "set", lab.host1, "--idle-stop", "none")
    wait_until(lambda: use(lab, lab.host1) == "", "no look at a host that is never stopped", 20)
    assert lab.gatehouse("pool", "set", "communal", "--idle-stop", "soon", check=False).status == 64


@pytest.mark.parametrize("title, name", [
    ("sshd: alice@pts/0", "alice"), ("sshd: alice@pts/0,pts/1", "alice"), ("sshd: alice@notty", "alice"),
    ("sshd: alice", "alice"), ("sshd-session: alice", "alice"), ("sshd-session: alice@notty", "alice"),
    ("sshd: root@pts/0", "root"), ("sshd: root@notty", None), ("sshd: root", None),
    ("sshd: alice [priv]", None), ("sshd: alice [net]", None), ("sshd: unknown [priv]", None),
    ("sshd: [accepted]", None), ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", None),
    ("sshd-auth: alice [net]", None), ("/usr/sbin/sshd", None), ("sshd: ", None), ("sshd", None),
])
def test_whose_login_a_process_of_sshd_is(title, name):
    program, _, _ = (TOP / "Sources/Power/HostMeasure/measure.py").read_text().rpartition("\nmain()")
    names = {}
    exec(program, names)
    assert names["login_of"]([title]) == name
