"""Accounts kept as the directory says: plan, apply, status, drift, just in time, people who leave, adoption."""

import json
import os
import re
import secrets
import signal
import time

import pytest

from hosts import ACCESS, edit, state
from lab import ROOT_HOME, wait_until


@pytest.fixture
def account(lab, scratch_user):
    """A user with an account on the first host, right now."""
    return scratch_user(grant=["--host", lab.host1, "--sudo"])


def test_apply_everywhere(lab):
    """Applying to all hosts or to a pool gives a report for each, and a second run changes nothing and says so."""
    lab.gatehouse("account", "apply", "--all")
    again = lab.gatehouse("account", "apply", "--all").out.decode()
    for host in lab.hosts:
        assert re.search(rf"^{host}: nothing changed, \d+ users$", again, re.M), again
    reports = lab.rows("account", "apply", "communal")
    assert [report["host"] for report in reports] == sorted(lab.hosts)
    assert all({user["result"] for user in report["users"]} == {"unchanged"} for report in reports)


def test_no_target(lab):
    """Applying needs to be told where; an unknown place is not found."""
    assert lab.gatehouse("account", "apply", check=False).status == 64
    for verb in ("apply", "plan", "status"):
        assert lab.gatehouse("account", verb, "nowhere", check=False).status == 66


def test_unreachable_host(lab, scratch_host):
    """A host that does not answer fails by itself, is shown as unreachable, and the others get their accounts."""
    host = scratch_host(lab.nobodys_address)
    lab.gatehouse("grant", "add", "--user", "alice", "--host", host)
    done = lab.gatehouse("account", "apply", "--all", check=False)
    assert done.status == 1
    assert f"{host}: failed: {host} cannot be reached".encode() in done.out
    assert f"{lab.host1}: nothing changed".encode() in done.out
    assert state(lab, host, "alice")["state"] == "unreachable"
    mark = lab.events(limit=1)[-1]["id"]
    lab.gatehouse("account", "apply", host, check=False)
    assert lab.wait_event(mark, "account.failed", host=host)["detail"]["reason"]


def test_plan_writes_nothing(lab, scratch_user):
    """Planning says what applying would do, and the host stays as it is."""
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    assert state(lab, lab.host1, user)["state"] == "missing"
    look = ("bash", "-c", "find /etc /home -type f -exec stat -c '%n %i %Z' {} + | sort")
    before = lab.lab_exec(lab.host1, *look).out
    report = json.loads(lab.gatehouse("account", "plan", lab.host1, "--json").out)
    assert [entry["result"] for entry in report["users"] if entry["name"] == user] == ["created"]
    assert report["changed"] is True
    assert lab.lab_exec(lab.host1, *look).out == before
    lab.gatehouse("account", "apply", lab.host1)
    assert b"nothing to do" in lab.gatehouse("account", "plan", lab.host1).out
    assert state(lab, lab.host1, user)["state"] == "ok"


@pytest.mark.parametrize("what", ["uid", "keys", "sudo", "gone", "shell"])
def test_drift(lab, account, what):
    """What somebody changes by hand is found, shown with its time, an event, and repaired by applying."""
    host, uid = lab.host1, lab.uid(account)
    look = ("bash", "-c", f"id {account}; getent passwd {account}; cat {ACCESS['keys']} {ACCESS['sudo']}")
    before = lab.lab_exec(host, *look).out
    mark = lab.mark()
    if what == "uid":
        edit(lab, host, "/etc/passwd", f"^{account}:x:{uid}:", f"{account}:x:4711:")
    elif what == "shell":
        lab.lab_exec(host, "usermod", "-s", "/bin/false", account)
    elif what == "gone":
        lab.lab_exec(host, "userdel", account)
    else:
        edit(lab, host, ACCESS[what], f"^{account} .*", "")
    assert state(lab, host, account)["state"] == "ok"
    lab.gatehouse("account", "plan", host)
    found = state(lab, host, account)
    assert found["state"] == ("missing" if what == "gone" else "stale")
    assert found["since"] is not None and found["reason"]
    event = lab.wait_event(mark, "account.drifted", host=host)
    assert account in event["detail"]["what"]
    lab.gatehouse("account", "plan", host)
    assert state(lab, host, account) == found
    assert len(lab.events_after(mark, "account.drifted", host=host)) == 1
    lab.gatehouse("account", "apply", host)
    assert lab.lab_exec(host, *look).out == before
    assert state(lab, host, account)["state"] == "ok"


def test_directory_changes_are_seen(lab, account):
    """A change of the directory makes an account stale until it is applied."""
    lab.gatehouse("group", "add-member", "lab", account)
    for host in lab.hosts:
        assert state(lab, host, account)["state"] in ("stale", "missing")
    lab.gatehouse("account", "apply", "--all")
    assert {state(lab, host, account)["state"] for host in lab.hosts} == {"ok"}


def test_lock(lab, account, start):
    """A lock expires the account, takes keys and sudo away, ends what runs, and keeps files and uid; unlocking undoes it."""
    host, uid = lab.host1, lab.uid(account)
    key = open(f"{lab.keys[account]}.pub").read().split()[1]
    lab.ssh("setsid sleep 1000 </dev/null >/dev/null 2>&1 & touch kept", user=account)
    running = lambda: lab.lab_exec(host, "pgrep", "-u", str(uid), check=False).out
    assert running()
    lab.gatehouse("user", "lock", account)
    assert state(lab, host, account)["state"] == "stale"
    lab.gatehouse("account", "apply", "--all")
    assert state(lab, host, account)["state"] == "locked"
    assert not running()
    assert lab.lab_exec(host, "stat", "-c", "%u", f"/home/{account}/kept").out == b"%d\n" % uid
    shadow = lab.lab_exec(host, "getent", "shadow", account).out.decode().split(":")
    assert (shadow[1], shadow[7]) == ("!*", "1")
    for path in ACCESS.values():
        assert lab.lab_exec(host, "grep", "-qw", f"^{account}", path, check=False).status != 0
    assert key in lab.lab_exec(host, "cat", "/etc/ssh/gatehouse/revoked_keys").out.decode()
    lab.gatehouse("user", "unlock", account)
    assert lab.ssh("id -u", user=account).out == b"%d\n" % uid
    assert key not in lab.lab_exec(host, "cat", "/etc/ssh/gatehouse/revoked_keys").out.decode()


def test_removed_key_opens_nothing(lab, teardown, scratch_user, make_key):
    """A key that was taken away is refused by the hosts also where somebody has written it down by hand."""
    user = scratch_user(grant=["--host", lab.host1])
    key = make_key()
    folder, path = f"{ROOT_HOME}/.ssh", f"{ROOT_HOME}/.ssh/authorized_keys2"
    lab.lab_exec(lab.host1, "bash", "-c", f"mkdir -p {folder}; cat >{path}", input=open(f"{key}.pub", "rb").read())
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-f", path)

    def enter():
        words = ["ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p", "22", "root@127.0.0.1", "true"]
        copy = f"/tmp/{secrets.token_hex(4)}"
        lab.lab_exec(lab.host1, "bash", "-c", f"umask 077; cat >{copy}", input=open(key, "rb").read())
        words[words.index(key)] = copy
        return lab.lab_exec(lab.host1, *words, check=False).status

    assert enter() == 0
    lab.gatehouse("key", "add", user, f"{key}.pub")
    lab.gatehouse("key", "remove", user, lab.fingerprint(key))
    lab.gatehouse("account", "apply", lab.host1)
    assert enter() == 255


def test_adoption(lab, teardown, scratch_user):
    """An account that is there already is taken over when an administrator says so, and only with the right number."""
    user = scratch_user("--full-name", "Known Before")
    uid = lab.uid(user)
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1, check=False)
    lab.lab_exec(lab.host1, "groupadd", "-g", uid, user)
    lab.lab_exec(lab.host1, "useradd", "-u", uid, "-g", uid, "-m", "-c", "Old", "-s", "/bin/sh", user)
    words = ("account", "adopt", lab.host1, user)
    assert b"may not reach" in lab.gatehouse(*words, "--yes", check=False).err
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    lab.gatehouse("account", "plan", lab.host1)
    assert state(lab, lab.host1, user)["state"] == "conflict"
    unasked = lab.gatehouse(*words, check=False)
    assert unasked.status == 64
    assert b"full name Known Before was Old" in unasked.out and b"shell /bin/bash was /bin/sh" in unasked.out
    assert lab.lab_exec(lab.host1, "getent", "passwd", user).out.split(b":")[4] == b"Old"
    assert b"is adopted" in lab.gatehouse(*words, "--yes").out
    assert state(lab, lab.host1, user)["state"] == "ok"
    assert lab.ssh("id -u", user=user).out == b"%d\n" % uid
    assert b"nothing to adopt" in lab.gatehouse(*words, "--yes", check=False).err


@pytest.mark.limit(60)
def test_periodic_check(lab, teardown, account):
    """The daemon finds drift by itself at the interval that is set, and looks after a change of the directory."""
    path = lab.path.with_name("gatehouse.conf")
    before = path.read_text()

    def set_interval(value):
        path.write_text(re.sub("DriftCheckInterval .*", f"DriftCheckInterval {value}", before))
        os.kill(lab.daemon_pid(), signal.SIGHUP)

    teardown.callback(set_interval, "0")
    mark = lab.mark()
    lab.lab_exec(lab.host1, "usermod", "-s", "/bin/false", account)
    set_interval("1h")
    time.sleep(1.5)
    lab.gatehouse("group", "add-member", "lab", account)
    wait_until(lambda: "account" in (state(lab, lab.host1, account) or {}).get("reason", ""), "a look after the change")
    lab.gatehouse("account", "apply", "--all")
    lab.lab_exec(lab.host2, "usermod", "-s", "/bin/false", account)
    set_interval("2s")
    lab.wait_event(mark, "account.drifted", host=lab.host2, timeout=15)
    assert state(lab, lab.host2, account)["state"] == "stale"
