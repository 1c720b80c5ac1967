"""Watchers of hosts that do not reach the gateway: the gateway fetches what they saw."""

import os
import secrets
import signal

import pytest

from lab import ROOT_HOME, wait_until
from test_ssm_only import remote  # noqa: F401
from test_ssm_transport import tunnel_processes
from test_watchers import SPOOL, TREE, gateway_of, known, spooled, status, touch, touch_on, watching
from test_who_wrote import LINGER, check, session_of, writers

GUARD = "/usr/local/libexec/gatehouse-watch-fetch"
KEYS = f"{ROOT_HOME}/.ssh/authorized_keys"
#: A connection that broke is made again after seconds, and a tunnel takes some more on a busy machine.
AGAIN = 60


class Instances:
    """The lab's instances by name, as `tunnel_processes` wants them."""

    def __init__(self, lab, host):
        self.ids = {host: lab.instance(host)}


def cut(lab, host):
    """Kills the tunnels to a host."""
    tunnels = wait_until(lambda: tunnel_processes(Instances(lab, host)), "a tunnel", AGAIN)
    for pid in tunnels:
        os.kill(pid, signal.SIGKILL)


def in_the_book(lab, path):
    wait_until(lambda: known(lab, path), f"{path} is in the book", AGAIN)


def watches(lab, host):
    return wait_until(lambda: status(lab, host)["state"] == "watching" and status(lab, host), f"{host} watches", AGAIN)


def fetchers():
    """Processes of the gateway that have a watcher called."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/gatehouse-session") and words[1:3] == [b"run", b"deliver"]:
            found.append(int(pid))
    return found


@pytest.fixture
def brought_again(lab, teardown):
    """Has the watcher of a host deliver by itself when the test is over."""
    gateway = gateway_of(lab)

    def again(host):
        teardown.callback(lambda: watching(lab, host))
        words = ("watch", "install", host, "--gateway", gateway, "--only-mount-namespace")
        teardown.callback(lab.gatehouse, *words, timeout=60)
        return gateway

    return again


@pytest.mark.limit(240)
def test_a_host_that_reaches_nobody(lab, remote, brought_again, teardown):
    """What happens there is in the book with its session, after the way broke and the daemon was killed too; then it goes."""
    host = lab.host2
    gateway = brought_again(host).rsplit(":", 1)[0]
    remote(host)
    watching(lab, host)
    lab.gatehouse("watch", "remove", host, "--yes", timeout=60)
    lab.lab_exec(host, "ip", "route", "add", "unreachable", gateway)
    teardown.callback(lab.lab_exec, host, "ip", "route", "del", "unreachable", gateway, check=False)
    mark = lab.mark()
    done = lab.gatehouse("watch", "install", host, "--only-mount-namespace", timeout=60)
    assert b"only Session Manager leads there, so the gateway fetches" in done.err
    row = watches(lab, host)
    assert row["way"] == "fetched" and row["fetch_failure"] is None
    began = lab.wait_event(mark, "watcher.connected", host=host)
    assert began["detail"]["way"] == "fetched"
    assert "Gateway" not in lab.lab_exec(host, "cat", "/etc/gatehouse-watch/watch.conf").out.decode()
    line, = lab.lab_exec(host, "cat", KEYS).out.decode().splitlines()
    assert line.startswith(f'restrict,command="/bin/sh {GUARD}",cert-authority,principals="gatehouse-fetch@{host}" ')
    asked = lab.gatehouse_json("watch", "status", host, "--ask")["watchers"][0]["host_says"]
    assert asked["services"] == {"watch": "active", "rescan": "active", "ship": "fetched"}

    # Who, where, with what, in which session.
    path = f"{TREE}/fetch-{secrets.token_hex(6)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-f", path)
    mark = lab.mark()
    assert lab.ssh(f"echo x >{path}{LINGER}", alias=host).status == 0
    writer = wait_until(lambda: writers(lab, path), "its writer is known", 15)[0]
    check(lab, writer, "alice", host, session_of(lab, mark, "alice"), "bash")

    # The way breaks, while people are kept out.
    lab.gatehouse("host", "drain", host)
    teardown.callback(lab.gatehouse, "host", "undrain", host, check=False)
    cut(lab, host)
    path = f"{path}-cut"
    touch_on(lab, host, path)
    in_the_book(lab, path)
    lab.gatehouse("host", "undrain", host)

    # The daemon goes, and what was done meanwhile waits.
    lab.kill_daemon()
    wait_until(lambda: not fetchers(), "nothing fetches for a daemon that is gone", 30)
    path = f"{path}-killed"
    touch_on(lab, host, path)
    lab.restart_daemon()
    in_the_book(lab, path)
    assert lab.gatehouse_json("watch", "upgrade", host, timeout=60)["hosts"][0]["result"] == "unchanged"

    # Nothing is left on either side.
    assert watches(lab, host)["way"] == "fetched"
    lab.gatehouse("watch", "remove", host, "--yes", timeout=60)
    assert status(lab, host)["state"] == "none"
    left = lab.lab_exec(
        host, "sh", "-c", f"ls -d /usr/local/sbin/gatehouse-watch {GUARD} /etc/gatehouse-watch {SPOOL}; grep gatehouse {KEYS}; "
        "pgrep gatehouse-watch", check=False)
    assert left.out == b""
    wait_until(lambda: not tunnel_processes(Instances(lab, host)), "the tunnel to end", 20)
    wait_until(lambda: not fetchers(), "nothing fetches any more", 20)


@pytest.mark.limit(180)
def test_a_host_over_the_network(lab, brought_again, teardown):
    """It is fetched from if that is wanted, why that fails is said, and the host brings it again when it is told to."""
    host = lab.host1
    gateway = brought_again(host)
    watching(lab, host)
    before = lab.lab_exec(host, "cat", KEYS).out
    done = lab.gatehouse("watch", "install", host, "--fetch", "--gateway", gateway, check=False)
    assert done.status == 64 and b"exclude each other" in done.err
    lab.gatehouse("watch", "install", host, "--fetch", "--only-mount-namespace", timeout=60)
    assert watches(lab, host)["way"] == "fetched"
    assert lab.lab_exec(host, "cat", KEYS).out.startswith(before)
    document = lab.gatehouse("directory", "export").out
    assert document.count(b'"fetched"') == 1
    in_the_book(lab, touch(lab, host))

    # It is called anew by the gateway when it has ended, and not while the gateway is kept out.
    lab.lab_exec(host, "mv", GUARD, f"{GUARD}.away")
    lab.lab_exec(host, "pkill", "-f", "ship --fetched")
    wait_until(lambda: status(lab, host)["fetch_failure"], "why nothing can be fetched", 30)
    shown = lab.gatehouse("watch", "status", host).out
    assert f"{host}: nothing can be fetched: ".encode() in shown
    path = touch(lab, host)
    wait_until(lambda: spooled(lab, host), "it waits", 15)
    lab.lab_exec(host, "mv", f"{GUARD}.away", GUARD)
    in_the_book(lab, path)

    words = ("watch", "install", host, "--gateway", gateway, "--only-mount-namespace")
    lab.gatehouse(*words, timeout=60)
    assert watches(lab, host)["way"] == "brought"
    assert lab.lab_exec(host, "cat", KEYS).out == before
    assert lab.lab_exec(host, "sh", "-c", f"ls {GUARD}; pgrep -f 'ship --fetche[d]'", check=False).out == b""
    wait_until(lambda: not fetchers(), "nothing is fetched any more", 20)
    in_the_book(lab, touch(lab, host))
