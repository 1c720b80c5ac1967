"""The step that makes accounts on a host: what belongs to others there stays as it is. Needs root, no lab and no network."""

import os
import subprocess

import pytest

from machine import CHANGED, CONFLICTS, change, group, reason, results, user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


CONFLICTING = {
    "name-unmanaged": "alice:x:1234:1234::/home/alice:/bin/sh",
    "name-unmanaged same uid": "alice:x:20000:20000::/home/alice:/bin/sh",
    "uid-taken": "other:x:20000:1000::/home/other:/bin/sh",
}


@pytest.mark.parametrize("case", CONFLICTING)
def test_account_conflict(machine, case):
    """An account that is not Gatehouse's is reported and left alone; the user with its name or number is not let in."""
    with (machine.etc / "passwd").open("a") as file:
        file.write(CONFLICTING[case] + "\n")
    before = {name: (machine.etc / name).read_bytes() for name in ("passwd", "group", "shadow", "gshadow")}
    report = machine.apply(machine.state(user(sudo=True, keys=["ssh-ed25519 AAAA"])), CONFLICTS)
    assert results(report) == {"alice": "conflict"}
    assert reason(report).startswith(case.split()[0])
    assert {name: (machine.etc / name).read_bytes() for name in before} == before
    assert not machine.is_let_in("alice")
    assert machine.keys_of("alice") == []
    assert not machine.may_become_root("alice")
    assert not (machine.home / "alice").exists()


def test_uid_drift(machine):
    """A managed account whose numbers were changed by hand gets its own again; its files were never anybody else's."""
    state = machine.state(user(keys=["ssh-ed25519 AAAA"]), groups=[group("alice")])
    machine.apply(state, CHANGED)
    before = machine.contents()
    change(machine, "passwd", "alice:x:20000:20000:", "alice:x:58050:58050:")
    change(machine, "group", "alice:x:20000:", "alice:x:58050:")
    change(machine, "group", "lab:x:30000:", "lab:x:58051:")
    report = machine.apply(state, CHANGED)
    assert reason(report).split(", ") == ["account", "uid 20000 was 58050", "gid 20000 was 58050"]
    assert machine.contents() == before


def test_uid_drift_is_left_where_it_would_hurt(machine):
    """The number stays as it is while another has the right one, or the home went with the account."""
    state = machine.state(user(keys=["ssh-ed25519 AAAA"]))
    machine.apply(state, CHANGED)
    change(machine, "passwd", "alice:x:20000:", "alice:x:58050:")
    with (machine.etc / "passwd").open("a") as file:
        file.write("other:x:20000:1::/nonexistent:/bin/false\n")
    report = machine.apply(state, CONFLICTS)
    assert reason(report) == "uid-taken: by other"
    assert machine.line("passwd", "alice")[2] == "58050"
    assert not machine.is_let_in("alice")
    change(machine, "passwd", "other:x:20000:1::/nonexistent:/bin/false\n", "")
    os.chown(machine.home / "alice", 58050, 20000)
    assert reason(machine.apply(state, CONFLICTS)) == "home-owner: /home/alice belongs to uid 58050"


def test_uid_drift_of_a_running_account(machine):
    """An account is not renumbered under processes that run as it."""
    state = machine.state(user())
    machine.apply(state, CHANGED)
    change(machine, "passwd", "alice:x:20000:", "alice:x:58052:")
    with subprocess.Popen(["sleep", "60"], user=58052) as process:
        try:
            report = machine.apply(state, CONFLICTS)
            assert reason(report) == "uid-drift: uid 58052 here, and processes run under it"
        finally:
            process.kill()
    machine.apply(state, CHANGED)


def test_adoption(machine):
    """An account that is already there becomes Gatehouse's when that is asked for, and only with the right number."""
    machine.run("groupadd", "-g", "20000", "alice")
    machine.run("useradd", "-u", "20000", "-g", "20000", "-m", "-c", "Old", "-s", "/bin/bash", "alice")
    machine.run("useradd", "-u", "1234", "-M", "-U", "bob")
    state = machine.state(user(), user("bob", 20001))
    report = machine.apply(state, CONFLICTS)
    assert reason(report) == "name-unmanaged: uid 20000"
    asked = {**state, "adopted": ["alice", "bob"], "rehearsal": True}
    report = machine.apply(asked, CONFLICTS)
    assert reason(report) == "account, full name empty was Old, shell /bin/sh was /bin/bash, certificate"
    assert reason(report, "bob") == "name-unmanaged: uid 1234"
    assert results(machine.apply({**asked, "rehearsal": False}, CONFLICTS)) == {"alice": "updated", "bob": "conflict"}
    assert results(machine.apply(state, CONFLICTS))["alice"] == "unchanged"


@pytest.mark.parametrize("line, code", [("other:x:20000:", "gid-taken"), ("alice:x:20777:", "group-gid-mismatch")])
def test_private_group_conflict(machine, line, code):
    """A group with the user's name or number that is another's is a conflict."""
    with (machine.etc / "group").open("a") as file:
        file.write(line + "\n")
    report = machine.apply(machine.state(user()), CONFLICTS)
    assert reason(report).startswith(code)
    assert machine.line("passwd", "alice") is None


@pytest.mark.parametrize("line, code", [("other:x:30000:", "gid-taken"), ("lab:x:30777:", "group-gid-mismatch")])
def test_shared_group_conflict(machine, line, code):
    """So is one with a shared group's; the users themselves are made."""
    with (machine.etc / "group").open("a") as file:
        file.write(line + "\n")
    report = machine.apply(machine.state(user(), groups=[group("alice")]), CONFLICTS)
    assert report["groups"][0]["reason"].startswith(code)
    assert results(report) == {"alice": "created"}


NETWORK = """
import pwd, types
def find(key):
    if key != %r:
        raise KeyError(key)
    return types.SimpleNamespace(pw_name="remote", pw_uid=20000)
pwd.getpwuid = pwd.getpwnam = find
"""


@pytest.mark.parametrize("key, expected", [(20000, "uid-taken: by remote"),
                                           ("alice", "name-unmanaged: uid 20000, from the network")])
def test_account_from_the_network(machine, key, expected):
    """A name or a number that a directory service (sssd, LDAP) gives out on the host is another's."""
    (machine.etc / "nsswitch.conf").write_text("passwd: files sss\ngroup: files\nshadow: files\n")
    report = machine.apply(machine.state(user()), CONFLICTS, prelude=NETWORK % (key,))
    assert reason(report) == expected
    assert machine.line("passwd", "alice") is None


@pytest.mark.parametrize("kind", ["owner", "link", "file"])
def test_home_conflict(machine, kind):
    """A home that is another's, a link or a file is reported, and stays as it is."""
    home = machine.home / "alice"
    {"owner": home.mkdir, "link": lambda: home.symlink_to("/etc"), "file": home.touch}[kind]()
    if kind == "owner":
        os.chown(home, 12345, 12345)
    before = home.lstat()
    report = machine.apply(machine.state(user()), CONFLICTS)
    assert reason(report).startswith("home-owner: ")
    assert home.lstat() == before
    assert machine.line("passwd", "alice") is None


def test_existing_home_is_kept(machine):
    """A home with the right owner is used as it is, also its mode: it may come from a file system of several hosts."""
    (machine.home / "alice").mkdir(mode=0o711)
    os.chown(machine.home / "alice", 20000, 20000)
    machine.apply(machine.state(user()), CHANGED)
    assert list((machine.home / "alice").iterdir()) == []
    assert (machine.home / "alice").stat().st_mode & 0o777 == 0o711


def test_home_below_an_unsafe_folder(machine):
    """No home is made in a folder where others can rename it; the account is, with a remark."""
    machine.home.chmod(0o777)
    report = machine.apply(machine.state(user()), CHANGED)
    assert "no home" in reason(report)
    assert not (machine.home / "alice").exists()
