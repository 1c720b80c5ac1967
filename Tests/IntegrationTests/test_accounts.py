"""Accounts on the hosts: the same numbers everywhere, and nothing of others touched."""

import json
import secrets

import pytest


def identity(lab, host, name):
    """What a host says of an account: uid, gid, and the gids of its groups by name."""
    uid = int(lab.lab_exec(host, "id", "-u", name).out)
    gid = int(lab.lab_exec(host, "id", "-g", name).out)
    numbers = map(int, lab.lab_exec(host, "id", "-G", name).out.split())
    names = lab.lab_exec(host, "id", "-Gn", name).out.decode().split()
    return uid, gid, dict(zip(names, numbers))


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_same_numbers_everywhere(lab, user):
    """30: the uid and gid of a user are the directory's on both hosts, and so are the group's."""
    uid, gid = lab.uid(user), next(row["gid"] for row in lab.rows("group", "list") if row["name"] == "lab")
    for host in lab.hosts:
        there = identity(lab, host, user)
        assert there[:2] == (uid, uid)
        assert there[2]["lab"] == gid


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_same_numbers_through_the_door(lab, user):
    """30: a session is the directory's uid on both hosts, and so is what it writes in the shared tree."""
    uid, name = lab.uid(user), f"it-{secrets.token_hex(4)}"
    try:
        for host in lab.hosts:
            text = lab.ssh(
                f"id -u; touch /shared/{name}-{host}; stat -c %u /shared/{name}-{host}", alias=host, user=user
            )
            assert text.out.split() == [b"%d" % uid] * 2, text.err.decode()
            assert (lab.shared / f"{name}-{host}").stat().st_uid == uid
    finally:
        for path in lab.shared.glob(f"{name}-*"):
            path.unlink()


def test_apply_again(lab):
    """Applying the accounts again changes nothing on the host."""
    files = "/etc/passwd /etc/group /etc/shadow /etc/ssh/sshd_config.d/10-gatehouse.conf /etc/ssh/gatehouse"
    look = f"find {files} -type f -exec stat -c '%n %i %y %Z' {{}} + -exec sha256sum {{}} +"
    lab.gatehouse("account", "apply", lab.host1)
    before = lab.lab_exec(lab.host1, "bash", "-c", look).out
    again = lab.gatehouse("account", "apply", lab.host1)
    assert lab.lab_exec(lab.host1, "bash", "-c", look).out == before, again.out.decode()


def test_apply_in_json(lab):
    """The outcome of applying in JSON carries the schema number, and the event log has it."""
    mark = lab.mark()
    document = json.loads(lab.gatehouse("account", "apply", lab.host1, "--json").out)
    assert document["schema"] == 1
    lab.wait_event(mark, "account.applied", host=lab.host1)


def test_new_user(lab, scratch_user):
    """A new user with a grant has an account after applying, and can log in."""
    user = scratch_user(grant=["--host", lab.host1])
    uid = lab.uid(user)
    assert identity(lab, lab.host1, user)[:2] == (uid, uid)
    assert lab.ssh("id -u", user=user).out == b"%d\n" % uid
    assert lab.lab_exec(lab.host2, "id", user, check=False).status != 0


def test_nothing_for_those_without_a_grant(lab):
    """Who has no grant for a host has no account there."""
    for host in lab.hosts:
        assert lab.lab_exec(host, "id", "carol", check=False).status != 0


def foreign_account(lab, teardown, name, uid):
    """An account on the first host that Gatehouse did not make."""
    lab.lab_exec(
        lab.host1, "useradd", "--no-create-home", "--uid", uid, "--home-dir", f"/nonexistent-{name}", name
    )
    teardown.callback(lab.lab_exec, lab.host1, "userdel", name, check=False)


@pytest.mark.parametrize("clash", ["uid", "name"])
def test_conflict(lab, teardown, make_key, clash):
    """An account of another with a user's uid or name is reported and left alone, and that user is refused there."""
    user = f"it-{secrets.token_hex(4)}"
    lab.gatehouse("user", "add", user)
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1, check=False)
    teardown.callback(lab.gatehouse, "user", "leave", user, "--yes")
    key = make_key()
    lab.gatehouse("key", "add", user, f"{key}.pub")
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    other = (f"other-{user}", lab.uid(user)) if clash == "uid" else (user, 1_234)
    foreign_account(lab, teardown, *other)
    look = ("getent", "passwd", other[0])
    before = lab.lab_exec(lab.host1, *look).out
    applied = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert b"conflict" in (applied.out + applied.err).lower()
    assert user.encode() in applied.out + applied.err
    assert lab.lab_exec(lab.host1, *look).out == before
    if clash == "uid":
        assert lab.lab_exec(lab.host1, "getent", "passwd", user, check=False).status != 0
    refused = lab.login(f"{user}+{lab.host1}", "id", key=key)
    assert (refused.out, refused.status) == (b"", 255)
    assert lab.ssh("true").status == 0


def test_sudo_grant(lab, scratch_user):
    """A grant with --sudo, and only such a one, lets its user become root on the host."""
    if lab.lab_exec(lab.host1, "which", "sudo", check=False).status != 0:
        pytest.skip("the host has no sudo")
    plain = scratch_user(grant=["--host", lab.host1])
    may = scratch_user(grant=["--host", lab.host1, "--sudo"])
    assert lab.ssh("sudo -n id -u", user=plain).status != 0
    assert lab.ssh("sudo -n id -u", user=may).out == b"0\n"


def test_home(lab, scratch_user):
    """A new user has a home of their own that others cannot write to."""
    user = scratch_user(grant=["--host", lab.host1])
    text = lab.ssh("cd && pwd && stat -c '%u %a' . && touch .probe && rm .probe", user=user)
    assert text.status == 0, text.err.decode()
    owner, mode = text.out.decode().splitlines()[1].split()
    assert int(owner) == lab.uid(user)
    assert int(mode, 8) & 0o022 == 0


def test_sshd_is_checked(lab):
    """The host's sshd configuration is valid after applying, and the drop-in names the certificate authority."""
    lab.lab_exec(lab.host1, "/usr/sbin/sshd", "-t")
    text = lab.lab_exec(lab.host1, "cat", "/etc/ssh/sshd_config.d/10-gatehouse.conf").out.decode()
    assert "TrustedUserCAKeys" in text
    ours = " ".join(lab.lab_exec(lab.host1, "cat", "/etc/ssh/gatehouse/user_ca.pub").out.decode().split()[:2])
    assert ours in lab.gatehouse("host", "bootstrap", lab.host1).out.decode()
