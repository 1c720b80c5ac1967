"""Awkward lives of accounts on a host of the lab, through `gatehouse account`: the numbered cases of a list of 25."""

import json
import re

import pytest

from hosts import apply, edit, entry, line, state, tamper, unused
from lab import run, wait_until


@pytest.fixture
def newcomer(lab, scratch_user, teardown):
    """A user who may reach the first host and has no account there yet; at the end the host is as the directory says."""
    teardown.callback(apply, lab, lab.host1)
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    return user


@pytest.fixture
def account(lab, newcomer):
    """A user with an account on the first host."""
    lab.gatehouse("account", "apply", lab.host1)
    return newcomer


@pytest.fixture
def live(lab, account, start):
    """A user who is logged in to the first host."""
    start(lab.ssh_words("sleep 300", user=account))
    wait_until(lambda: runs_as(lab, lab.uid(account)), "the session")
    return account


def runs_as(lab, uid):
    """The processes of a uid on the first host."""
    return lab.lab_exec(lab.host1, "pgrep", "-u", str(uid), check=False).out.split()


def test_uid_of_a_live_account(lab, live):
    """8: an account is not renumbered while something runs under the number it has; afterwards it is."""
    uid = lab.uid(live)
    edit(lab, lab.host1, "/etc/passwd", f"^{live}:x:{uid}:", f"{live}:x:4008:")
    lab.lab_exec(lab.host1, "bash", "-c", "setpriv --reuid 4008 --clear-groups sleep 300 >/dev/null 2>&1 &")
    try:
        assert entry(apply(lab, lab.host1), live) == ("conflict", "uid-drift: uid 4008 here, and processes run under it")
        assert line(lab, lab.host1, "passwd", live)[2] == "4008"
    finally:
        lab.lab_exec(lab.host1, "pkill", "-u", "4008")
    assert entry(apply(lab, lab.host1), live)[0] == "updated"
    assert line(lab, lab.host1, "passwd", live)[2] == str(uid)


def test_group_of_a_live_account(lab, live):
    """9: who is added to a group while logged in gets it, and the report says that it counts from the next login on."""
    lab.gatehouse("group", "add-member", "lab", live)
    result, reason = entry(apply(lab, lab.host1), live)
    assert result == "updated" and "groups, from the next login on" in reason
    assert b"lab" in lab.ssh("id -Gn", user=live).out.split()
    lab.gatehouse("group", "remove-member", "lab", live)
    result, reason = entry(apply(lab, lab.host1), live)
    assert result == "updated" and "groups, from the next login on" in reason
    assert b"lab" not in lab.ssh("id -Gn", user=live).out.split()


def test_leaving_while_logged_in(lab, live):
    """10: who leaves while logged in is locked first, then the processes end; name, uid and files stay."""
    uid = lab.uid(live)
    lab.gatehouse("user", "leave", live, "--yes")
    result, reason = entry(apply(lab, lab.host1), live)
    assert result == "locked" and "no certificate" in reason
    assert not runs_as(lab, uid)
    assert line(lab, lab.host1, "passwd", live)[2] == str(uid)
    assert lab.lab_exec(lab.host1, "stat", "-c", "%u", f"/home/{live}").out == b"%d\n" % uid


def test_home_of_another(lab, newcomer, teardown):
    """11: a home that is another's is reported; it is never given away, nor is anything in it."""
    place = f"/home/{newcomer}"
    lab.lab_exec(lab.host1, "install", "-d", "-o", "4011", "-g", "4011", place, f"{place}/inner")
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", place)
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", f"home-owner: {place} belongs to uid 4011")
    assert set(lab.lab_exec(lab.host1, "stat", "-c", "%u", place, f"{place}/inner").out.split()) == {b"4011"}
    assert line(lab, lab.host1, "passwd", newcomer) is None


def test_home_that_refuses_root(lab, newcomer, teardown):
    """12: where /home takes nothing from root, as over NFS with root_squash, the account is made and the report says what
    to do; the home comes with a later run."""
    lab.lab_exec(lab.host1, "mount", "--bind", "/home", "/home")
    teardown.callback(lab.lab_exec, lab.host1, "umount", "/home", check=False)
    lab.lab_exec(lab.host1, "mount", "-o", "remount,bind,ro", "/home")
    result, reason = entry(apply(lab, lab.host1), newcomer)
    assert result == "created"
    assert "no home: /home takes none from root" in reason and f"make /home/{newcomer} for uid" in reason
    assert line(lab, lab.host1, "passwd", newcomer) is not None
    lab.lab_exec(lab.host1, "umount", "/home")
    assert entry(apply(lab, lab.host1), newcomer) == ("updated", "home")
    assert lab.ssh("stat -c %U .", user=newcomer).out == f"{newcomer}\n".encode()


def test_shell_that_is_not_there(lab, newcomer):
    """13: a shell that the host has not becomes /bin/sh, with a remark, and the login works."""
    tamper(lab, ("UPDATE users SET shell = '/bin/nosuchsh' WHERE uid = ?", lab.uid(newcomer)))
    result, reason = entry(apply(lab, lab.host1), newcomer)
    assert result == "created" and "/bin/nosuchsh is not installed, /bin/sh instead" in reason
    assert lab.ssh("id -un", user=newcomer).out == f"{newcomer}\n".encode()


def test_return_of_a_locked_account(lab, account):
    """14: an expired account that is wanted again has no expiry any more and still no password."""
    lab.gatehouse("user", "lock", account)
    apply(lab, lab.host1)
    assert line(lab, lab.host1, "shadow", account)[1:8:6] == ["!*", "1"]
    lab.gatehouse("user", "unlock", account)
    assert entry(apply(lab, lab.host1), account)[0] == "updated"
    assert line(lab, lab.host1, "shadow", account)[1:8:6] == ["*", ""]
    assert lab.ssh("true", user=account).status == 0


def test_more_groups_than_nfs_carries(lab, account, teardown):
    """25: who is in more than sixteen groups has them all, and the report says what NFS makes of that."""
    groups = [unused("gr") for _ in range(17)]
    for name in groups:
        lab.lab_exec(lab.host1, "groupadd", name)
        teardown.callback(lab.lab_exec, lab.host1, "groupdel", name)
    lab.lab_exec(lab.host1, "usermod", "-aG", ",".join(groups[:16]), account)
    assert entry(apply(lab, lab.host1), account) == ("unchanged", "")
    lab.lab_exec(lab.host1, "usermod", "-aG", groups[16], account)
    report = apply(lab, lab.host1)
    assert entry(report, account) == ("unchanged", "in 17 groups, of which NFS carries 16 without Kerberos")
    assert report["changed"] is False
    assert len(lab.ssh("id -G", user=account).out.split()) == 18


def test_first_user_of_the_image(lab, teardown, account, make_key):
    """Also: ec2-user at 1000 keeps its account, its key and its way in, and no certificate opens it."""
    lab.lab_exec(lab.host1, "useradd", "-m", "-u", "1000", "-d", "/opt/ec2-user", "ec2-user")
    teardown.callback(apply, lab, lab.host1)
    teardown.callback(lab.lab_exec, lab.host1, "userdel", "-r", "ec2-user", check=False)
    key = make_key()
    script = "install -d -m 700 -o 1000 /opt/ec2-user/.ssh; cat >/opt/ec2-user/.ssh/authorized_keys"
    lab.lab_exec(lab.host1, "sh", "-c", script, input=open(f"{key}.pub", "rb").read())
    before = line(lab, lab.host1, "passwd", "ec2-user")
    report = apply(lab, lab.host1)
    assert "ec2-user" not in {row["name"] for row in report["users"]} and report["sshd"]["reloaded"]
    assert line(lab, lab.host1, "passwd", "ec2-user") == before
    assert enter(lab, "ec2-user", key) == 0
    # A certificate of the real CA for that name, as only a broken gateway would make it.
    authority = lab.path.parent / "state/user_ca"
    assert run(["ssh-keygen", "-q", "-s", authority, "-I", "x", "-n", "ec2-user", "-V", "+5m", f"{key}.pub"]).status == 0
    lab.lab_exec(lab.host1, "rm", "/opt/ec2-user/.ssh/authorized_keys")
    assert enter(lab, "ec2-user", key) == 255


def enter(lab, user, key):
    """The exit status of a login to the first host's sshd with a key, past the gateway."""
    words = ["ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]
    words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    return run([*words, f"{user}@{lab.addresses[lab.host1]}", "true"]).status


OUR_FILES = {
    "/etc/ssh/gatehouse/people": 0o644, "/etc/ssh/gatehouse/keys": 0o644, "/etc/sudoers.d/gatehouse": 0o440,
    "/etc/ssh/gatehouse/user_ca.pub": 0o644, "/etc/ssh/gatehouse/revoked_keys": 0o644,
    "/etc/ssh/sshd_config.d/10-gatehouse.conf": 0o644,
}
NOT_OURS = {
    # Other files there are the host's own.
    ("/etc/ssh/sshd_config.d/10-gatehouse.conf", "extra"),
    # Without its list of revoked keys sshd lets nobody in, the gateway neither.
    ("/etc/ssh/gatehouse/revoked_keys", "gone"),
}


@pytest.mark.parametrize("path, mode, what", [
    (path, mode, what) for path, mode in OUR_FILES.items()
    for what in ("owner", "mode", "contents", "extra", "gone") if (path, what) not in NOT_OURS
])
def test_files_that_drift(lab, account, path, mode, what):
    """A change by hand of any of our files, its owner or its mode is found, shown with its time, and mended by applying."""
    lab.gatehouse("grant", "add", "--user", account, "--host", lab.host1, "--sudo")
    lab.gatehouse("account", "apply", lab.host1)
    before = lab.lab_exec(lab.host1, "cat", path).out
    extra = re.sub("[^/]*$", "gatehouse-extra", path)
    changes = {
        "owner": ("chown", "4242:4242", path), "mode": ("chmod", "666", path), "gone": ("rm", path),
        "contents": ("sh", "-c", f"echo '# mine' >>{path}"), "extra": ("touch", extra),
    }
    mark = lab.mark()
    lab.lab_exec(lab.host1, *changes[what])
    lab.gatehouse("account", "plan", lab.host1)
    rows = [row for row in lab.rows("account", "status", lab.host1) if row["state"] == "stale"]
    assert rows and all(row["since"] and row["reason"] for row in rows)
    subject = extra if what == "extra" else path
    if what in ("owner", "mode", "extra"):
        assert subject in state(lab, lab.host1, None)["reason"]
    lab.wait_event(mark, "account.drifted", host=lab.host1)
    report = json.loads(lab.gatehouse("account", "apply", lab.host1, "--json").out)
    assert report["changed"] is True
    look = lab.lab_exec(lab.host1, "stat", "-c", "%u:%g %a", path).out.decode()
    assert look == f"0:0 {mode:o}\n" and lab.lab_exec(lab.host1, "cat", path).out == before
    assert lab.lab_exec(lab.host1, "test", "-e", extra, check=False).status == 1
    assert {row["state"] for row in lab.rows("account", "status", lab.host1)} <= {"ok", "locked"}
    assert apply(lab, lab.host1)["changed"] is False
