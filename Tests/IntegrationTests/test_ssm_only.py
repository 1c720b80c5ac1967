"""Hosts that nothing but Systems Manager reaches: no address leads there, and their root lets nobody in over SSH."""

import secrets

import pytest

from lab import wait_until
from test_watchers import gateway_of, known, status, touch, watching

TREE = "/shared/lab"


@pytest.fixture
def remote(lab, teardown):
    """Makes hosts such hosts until the test is over, and sees that nobody came as root over SSH."""

    def remote(*hosts):
        for host in hosts:
            logins = lab.sshd_log(host).count("gatehouse:accounts:root")
            teardown.callback(lambda host=host, logins=logins: check(host, logins))
            lab.lab_exec(host, "sh", "-c", "mv ~root/.ssh/authorized_keys ~root/.ssh/away")
            teardown.callback(lab.lab_exec, host, "sh", "-c", "mv ~root/.ssh/away ~root/.ssh/authorized_keys")
            back = ("--address", lab.addresses[host], "--transport", "automatic")
            lab.gatehouse("host", "set", host, "--address", lab.nobodys_address, "--transport", "ssm")
            teardown.callback(lab.gatehouse, "host", "set", host, *back)

    def check(host, logins):
        assert lab.sshd_log(host).count("gatehouse:accounts:root") == logins

    return remote


@pytest.mark.limit(120)
def test_a_watcher_over_systems_manager(lab, remote):
    """It is installed with two short commands, fetches its program from the gateway, delivers, and goes."""
    remote(lab.host2)
    watching(lab, lab.host2)
    gateway = gateway_of(lab)
    lab.gatehouse("watch", "remove", lab.host2, "--yes", timeout=60)
    assert status(lab, lab.host2)["state"] == "none"
    lab.aws(reset=True)
    words = ("watch", "install", lab.host2, "--gateway", gateway, "--only-mount-namespace")
    row = lab.gatehouse_json(*words, timeout=60)["hosts"][0]
    assert row["result"] == "installed" and {"key", "program", "pam"} <= set(row["done"])
    assert lab.aws()["calls"]["ssm.SendCommand"] == 2
    watching(lab, lab.host2)
    path = touch(lab, lab.host2)
    wait_until(lambda: known(lab, path), "what happened there is in the book", 30)
    assert lab.gatehouse_json("watch", "upgrade", lab.host2, timeout=60)["hosts"][0]["result"] == "unchanged"
    asked = lab.gatehouse_json("watch", "status", lab.host2, "--ask")["watchers"][0]["host_says"]
    assert asked["services"]["watch"] == "active" and asked["session_hook"]


@pytest.mark.limit(90)
def test_a_program_that_cannot_be_fetched(lab, teardown):
    """Where the host does not reach the gateway, the command says so, and what ssh says."""
    gateway = gateway_of(lab)
    words = ("watch", "install", lab.host1, "--only-mount-namespace", "--gateway")
    teardown.callback(lab.gatehouse, *words, gateway, timeout=60)
    lab.lab_exec(lab.host1, "sh", "-c", "echo x >>/usr/local/sbin/gatehouse-watch.new; "
                 "cat /usr/local/sbin/gatehouse-watch >>/usr/local/sbin/gatehouse-watch.new; "
                 "mv /usr/local/sbin/gatehouse-watch.new /usr/local/sbin/gatehouse-watch")
    done = lab.gatehouse(*words, f"{lab.addresses[lab.host2]}:9", check=False, timeout=60)
    assert done.status == 1
    assert b"the program cannot be fetched from the gateway at " in done.err and b"onnection refused" in done.err, done.err


@pytest.mark.limit(90)
def test_trees_and_shares_over_systems_manager(lab, remote, teardown):
    """A tree is made, and what is shared can be read by others and then not any more."""
    remote(*lab.hosts)
    tree = f"/shared/it-{secrets.token_hex(4)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", tree)
    teardown.callback(lab.gatehouse, "tree", "remove", tree, "--yes", check=False)
    report = lab.gatehouse_json("tree", "add", tree, "--group", "lab", timeout=60)
    assert {row["host"]: row["result"] for row in report["hosts"]} == {lab.host1: "made", lab.host2: "unchanged"}
    path = f"{TREE}/it-{secrets.token_hex(4)}"
    assert lab.ssh(f"umask 077; echo secret >{path}; chmod 600 {path}").status == 0
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-f", path)
    assert lab.ssh("cat", path, alias=lab.host2, user="bob").status != 0
    shared = lab.ssh("file", "share", path, "bob", alias="gate")
    assert shared.status == 0, shared.err.decode()
    assert lab.ssh("cat", path, alias=lab.host2, user="bob").out == b"secret\n"
    assert lab.ssh("file", "unshare", path, "bob", alias="gate").status == 0
    assert lab.ssh("cat", path, alias=lab.host2, user="bob").status != 0
