"""Pools whose hosts sleep: what becomes of a login when the host that is chosen cannot be woken or was stopped unseen."""

import re
import secrets
import signal

import pytest

from lab import record, wait_until
from test_wake import ERRORS, calls, jump_into, state, waking


@pytest.fixture
def two(lab, teardown):
    """A pool of both hosts, which bob may wake and carol may not; both have chosen the second. Gives its name."""
    name = f"it-{secrets.token_hex(4)}"
    teardown.callback(lab.gatehouse, "host", "refresh")
    teardown.callback(lambda: lab.aws(reset=True, power={host: "on" for host in lab.hosts}))
    teardown.callback(wait_until, lambda: not waking(lab), "the end of wakes", 40)
    lab.gatehouse("pool", "add", name)
    lab.gatehouse("pool", "join", name, *lab.hosts)
    teardown.callback(lab.gatehouse, "pool", "leave", name, *lab.hosts)
    for user, more in (("bob", ["--wake"]), ("carol", [])):
        added = lab.gatehouse("grant", "add", "--user", user, "--pool", name, *more).out.decode()
        teardown.callback(lab.gatehouse, "grant", "remove", re.search(r"grant (\d+) added", added)[1])
        teardown.callback(lab.ssh, "hosts", "default", "--clear", alias="gate", user=user)
        assert lab.ssh("hosts", "default", lab.host2, alias="gate", user=user).status == 0
    lab.gatehouse("account", "apply", name, timeout=60)
    for host in lab.hosts:
        wait_until(lambda: answers(lab, host), f"{host} to be found well", 60)
    return name


def answers(lab, host):
    return record(lab.gatehouse_json("host", "show", host))["answers"]


def off(lab, *hosts):
    """Has hosts stopped as their owner would, and the directory told."""
    lab.aws(power={host: "off" for host in hosts})
    lab.gatehouse("host", "refresh")


def at_aws(lab, host):
    return lab.aws()["instances"][lab.instance(host)]["state"]


def remarks(result):
    """What a person reads besides the progress of wakes."""
    return [line for line in result.err.decode().splitlines() if not line.startswith("gatehouse: waking ")]


def wake_once(lab, user, host):
    """Has a host stopped and woken: no wake of former tests counts against it."""
    off(lab, host)
    assert log_in(lab, host, user).status == 0


def log_in(lab, pool, user="bob", timeout=80):
    return lab.login(f"{user}+{pool}", "cat /etc/hostname", key=user, timeout=timeout)


@pytest.mark.limit(240)
def test_a_wake_that_fails_leads_to_the_next_host(lab, two):
    """One that never answers and one for which there is no room: the login ends on another host, with one remark and nothing left running."""
    one, other = lab.hosts
    wake_once(lab, "bob", other)
    off(lab, one, other)
    lab.aws(boot={other: "dark"})
    result = log_in(lab, two, timeout=100)
    assert (result.status, result.out.decode().strip()) == (0, one), result.err
    said = remarks(result)
    assert len(said) == 1 and said[0].endswith(f": you are on {one}"), said
    assert said[0].startswith(f"gatehouse: {other} did not answer in 20 seconds")
    assert at_aws(lab, other) == "stopped" and state(lab, one) == "running"

    # Whoever comes next is not sent through the same again.
    off(lab, one)
    mark, before = lab.mark(), calls(lab, "ec2.StartInstances")
    result = log_in(lab, two)
    assert (result.status, result.out.decode().strip()) == (0, one), result.err
    assert remarks(result) == [f"gatehouse: {other} is stopped: you are on {one}"]
    assert calls(lab, "ec2.StartInstances") == before + 1
    assert lab.events_after(mark, "host.wake", host=other) == []

    # The other one is the next when there is no room for this one.
    off(lab, one)
    lab.aws(reset=True, fail={"ec2.StartInstances": ERRORS[0][0]})
    result = log_in(lab, two)
    assert (result.status, result.out.decode().strip()) == (0, other), result.err
    said = remarks(result)
    assert len(said) == 1 and said[0].startswith(f"gatehouse: {one} cannot be started: the cloud has no room"), said
    assert said[0].endswith(f": you are on {other}") and at_aws(lab, one) == "stopped"

    # A jump likewise, which says nothing.
    off(lab, other)
    lab.aws(fail={"ec2.StartInstances": ERRORS[1][0]})
    result = jump_into(lab, two, "bob", "cat /etc/hostname")
    assert (result.status, result.out.decode().strip(), result.err) == (0, one, b"")
    assert at_aws(lab, other) == "stopped"

    # Where none can be had, each has its reason.
    off(lab, one)
    for attempt in (log_in, lambda lab, pool: jump_into(lab, pool, "bob", "true")):
        lab.aws(fail={"ec2.StartInstances": {**ERRORS[0][0], "count": 2}})
        result = attempt(lab, two)
        said = result.err.decode()
        assert result.status == 255 and f"No host of '{two}' can be had now." in said, said
        for host in lab.hosts:
            assert f"{host} cannot be started: the cloud has no room" in said
        assert [at_aws(lab, host) for host in lab.hosts] == ["stopped", "stopped"]


@pytest.mark.limit(180)
def test_a_member_that_was_stopped_unseen(lab, two):
    """A login goes on to the host that is up; the directory learns what has happened, and who may wake finds it asleep."""
    one, other = lab.hosts
    wake_once(lab, "bob", other)
    before = calls(lab, "ec2.StartInstances")
    lab.aws(power={other: "off"})
    result = log_in(lab, two)
    assert (result.status, result.out.decode().strip()) == (0, one), result.err
    assert remarks(result) == [f"gatehouse: {other} does not answer: you are on {one}"] and result.seconds < 40
    wait_until(lambda: state(lab, other) == "stopped", "the directory to know", 90)
    assert calls(lab, "ec2.StartInstances") == before
    result = log_in(lab, two, "carol")
    assert (result.out.decode().strip(), remarks(result)) == (one, [f"gatehouse: {other} is stopped: you are on {one}"])
    # It is bob's own choice.
    result = log_in(lab, two)
    assert (result.out.decode().strip(), remarks(result)) == (other, [])
    # Both of them: one is woken.
    lab.aws(power={one: "off", other: "off"})
    result = log_in(lab, two, timeout=150)
    assert result.status == 0 and result.out.decode().strip() in lab.hosts, result.err
    assert b"gatehouse: waking " in result.err


@pytest.mark.limit(120)
def test_a_member_that_runs_and_is_silent(lab, two, teardown):
    """EC2 says that it runs: nobody starts it, nobody waits long, and it is not counted as asleep."""
    one, other = lab.hosts
    pid = lab.lab_exec(other, "cat", "/run/sshd.pid").out.decode().strip()
    teardown.callback(lab.lab_exec, other, "kill", f"-{signal.SIGCONT}", pid)
    mark, before = lab.mark(), calls(lab, "ec2.StartInstances")
    lab.lab_exec(other, "kill", f"-{signal.SIGSTOP}", pid)
    for user in ("bob", "carol"):
        result = log_in(lab, two, user)
        assert (result.status, result.out.decode().strip()) == (0, one), result.err
        assert remarks(result) == [f"gatehouse: {other} does not answer: you are on {one}"] and result.seconds < 15
    lab.wait_event(mark, "host.health", timeout=60, host=other)
    result = log_in(lab, two)
    assert result.out.decode().strip() == one and result.seconds < 5
    assert state(lab, other) == "running" and calls(lab, "ec2.StartInstances") == before
    assert not answers(lab, other)
    lab.lab_exec(other, "kill", f"-{signal.SIGCONT}", pid)
    wait_until(lambda: answers(lab, other), "the host to be found well", 90)
