"""The step that makes accounts on a host: what it makes, keeps and takes away. Needs root, no lab and no network."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from machine import BAD_INPUT, CHANGED, GROUP, GSHADOW, PASSWD, SHADOW, UNCHANGED, change, group, reason, results, user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


def test_new_account(machine):
    """An account has its numbers, its group, no password, a home from the skeleton, keys and a principal."""
    key = "ssh-ed25519 AAAA alice@laptop"
    alice = user(full_name="Alicé Ångström", keys=[key], restrictions=["no-port-forwarding"], sudo=True)
    report = machine.apply(machine.state(alice, user("bob", 20001), groups=[group("alice", "bob")]), CHANGED)
    assert results(report) == {"alice": "created", "bob": "created"}
    assert results(report, "groups") == {"lab": "created"}
    assert report["schema"] == 1 and report["changed"] is True and report["errors"] == []
    alice = ["alice", "x", "20000", "20000", "Alicé Ångström", "/home/alice", "/bin/sh"]
    assert machine.line("passwd", "alice") == alice
    assert machine.line("shadow", "alice")[1] == "*"
    assert machine.line("group", "alice") == ["alice", "x", "20000", ""]
    assert machine.line("group", "lab") == ["lab", "x", "30000", "alice,bob"]
    assert machine.line("gshadow", "lab") == ["lab", "!", "", "alice,bob"]
    assert machine.keys_of("alice") == [f"no-port-forwarding {key}"]
    assert machine.keys_of("bob") == []
    home = machine.home / "alice"
    assert (home.stat().st_uid, home.stat().st_gid, home.stat().st_mode & 0o7777) == (20000, 20000, 0o700)
    assert {path.name for path in home.rglob("*")} == {".profile", ".config", "deep", "link"}
    assert {path.lstat().st_uid for path in home.rglob("*")} == {20000}
    assert (home / ".config/deep").read_text() == "deep\n"
    assert (machine.etc / "sudoers.d/gatehouse").stat().st_mode & 0o777 == 0o440
    assert machine.may_become_root("alice") and not machine.may_become_root("bob")
    machine.assert_sound()


def test_lines_of_others_stay(machine):
    """Lines that are not Gatehouse's keep every byte and their place, and the files their modes."""
    odd = PASSWD + b"half:line\n\n+::::::\n"
    (machine.etc / "passwd").write_bytes(odd)
    machine.apply(machine.state(user(), groups=[group("alice")]), CHANGED)
    for name, before in (("passwd", odd), ("group", GROUP), ("shadow", SHADOW), ("gshadow", GSHADOW)):
        assert (machine.etc / name).read_bytes().startswith(before)
    assert [(machine.etc / name).stat().st_mode & 0o777 for name in ("passwd", "shadow")] == [0o644, 0o640]


def test_second_run_writes_nothing(machine):
    """Running again with the same state leaves every inode and time alone."""
    state = machine.state(user(sudo=True, keys=["ssh-ed25519 AAAA"]), groups=[group("alice")])
    machine.apply(state, CHANGED)
    before = machine.stamps()
    report = machine.apply(state, UNCHANGED)
    assert machine.stamps() == before
    assert report["changed"] is False and results(report) == {"alice": "unchanged"}


def test_drift_is_mended(machine):
    """What somebody changed by hand in a managed account is put right, except for its number."""
    state = machine.state(user(keys=["ssh-ed25519 AAAA"]), groups=[group("alice")])
    machine.apply(state, CHANGED)
    before = machine.contents()
    machine.run("usermod", "-s", "/bin/false", "-p", "$6$hash", "-c", "Mallory", "alice")
    machine.run("gpasswd", "-d", "alice", "lab")
    (machine.etc / "ssh/gatehouse/keys").write_text("alice ssh-ed25519 EVIL\nmallory ssh-ed25519 EVIL\n")
    assert results(machine.apply(state, CHANGED)) == {"alice": "updated"}
    after = machine.contents()
    assert {path: after[path] for path in before} == before


def test_no_longer_wanted(machine):
    """Who is not wanted any more is expired and has neither keys nor sudo nor groups; numbers and files stay."""
    alice = user(sudo=True, keys=["ssh-ed25519 AAAA"])
    machine.apply(machine.state(alice, user("bob", 20001), groups=[group("alice", "bob")]), CHANGED)
    report = machine.apply(machine.state(user("bob", 20001), groups=[group("bob")], generation=2), CHANGED)
    assert results(report) == {"alice": "locked", "bob": "unchanged"}
    assert machine.line("passwd", "alice")[2:4] == ["20000", "20000"]
    assert machine.line("passwd", "alice")[6].endswith("nologin")
    assert machine.line("shadow", "alice")[1] == "!*" and machine.line("shadow", "alice")[7] == "1"
    assert machine.line("group", "lab")[3] == "bob"
    assert not machine.is_let_in("alice")
    assert not machine.may_become_root("alice")
    assert (machine.home / "alice/.profile").exists()
    machine.assert_sound()
    again = machine.apply(machine.state(user("bob", 20001), groups=[group("bob")], generation=2), UNCHANGED)
    assert results(again) == {"alice": "unchanged", "bob": "unchanged"}
    assert reason(again).startswith("locked")
    back = machine.apply(machine.state(alice, generation=3), CHANGED)
    assert results(back) == {"alice": "updated", "bob": "locked"}
    assert machine.line("shadow", "alice")[1] == "*" and machine.line("shadow", "alice")[7] == ""
    assert machine.line("group", "lab")[3] == ""


def test_removed_by_hand(machine):
    """A managed account that the host's administrator removed comes back with the same numbers, if it is wanted."""
    machine.apply(machine.state(user(), user("bob", 20001)), CHANGED)
    machine.run("userdel", "alice")
    machine.run("userdel", "bob")
    assert results(machine.apply(machine.state(user()), CHANGED)) == {"alice": "created"}
    assert machine.line("passwd", "alice")[2] == "20000"


def test_rehearsal(machine):
    """A rehearsal writes nothing at all and says what would be done."""
    wanted = [user(keys=["ssh-ed25519 AAAA"], sudo=True), user("bob", 20001)]
    state = machine.state(*wanted, groups=[group("alice")])
    before = machine.contents(), machine.stamps()
    report = machine.apply({**state, "rehearsal": True}, CHANGED)
    assert results(report) == {"alice": "created", "bob": "created"}
    assert results(report, "groups") == {"lab": "created"}
    assert report["changed"] and report["sshd"] == {"changed": True, "reloaded": False}
    assert (machine.contents(), machine.stamps()) == before

    machine.apply(state, CHANGED)
    calm = machine.apply({**state, "rehearsal": True}, UNCHANGED)
    assert results(calm) == {"alice": "unchanged", "bob": "unchanged"} and not calm["changed"]

    change(machine, "passwd", "alice:x:20000:", "alice:x:58050:")
    (machine.etc / "ssh/gatehouse/keys").write_text("alice ssh-ed25519 EVIL\n")
    (machine.etc / "sudoers.d/gatehouse").write_text("alice ALL=(ALL) ALL # mine\n")
    shutil.rmtree(machine.home / "bob")
    before = machine.contents(), machine.stamps()
    drifted = machine.apply({**state, "rehearsal": True}, CHANGED)
    assert results(drifted) == {"alice": "updated", "bob": "updated"}
    assert reason(drifted) == "account, uid 20000 was 58050, keys, sudo"
    assert reason(drifted, "bob") == "home"
    assert (machine.contents(), machine.stamps()) == before


def test_departed(machine):
    """Whoever is gone for good or locked is expired and without keys and sudo, and what they run is ended."""
    state = machine.state(user(uid=58060, keys=["ssh-ed25519 AAAA"], sudo=True), user("bob", 58061))
    machine.apply(state, CHANGED)
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
    words = [sys.executable, "-c", stubborn]
    with subprocess.Popen(words, user=58060, stdout=subprocess.PIPE) as hers, \
            subprocess.Popen(words, user=58061, stdout=subprocess.PIPE) as his:
        try:
            hers.stdout.readline(), his.stdout.readline()
            gone = {**machine.state(), "departed": ["alice", "nobody"]}
            report = machine.apply({**gone, "rehearsal": True}, CHANGED)
            assert reason(report) == "locked: not wanted here any more, no certificate, no keys, no sudo, processes ended: 1"
            assert hers.poll() is None
            report = machine.apply(gone, CHANGED)
            assert results(report) == {"alice": "locked", "bob": "locked"}
            assert hers.wait(5) == -signal.SIGKILL
            assert his.poll() is None
        finally:
            hers.kill(), his.kill()
    assert machine.line("shadow", "alice")[1] == "!*" and machine.line("shadow", "alice")[7] == "1"
    assert machine.line("passwd", "alice")[2] == "58060"
    assert (machine.home / "alice").stat().st_uid == 58060
    assert not machine.may_become_root("alice")
    assert machine.keys_of("alice") == []
    machine.apply(gone, UNCHANGED)


def test_revoked_keys(machine):
    """The keys of the departed are in a list that sshd reads."""
    public = machine.authority.with_suffix(".pub").read_text().strip()
    machine.apply({**machine.state(user()), "revoked_keys": [public]}, CHANGED)
    settings = machine.run("/usr/sbin/sshd", "-T").stdout.decode()
    assert "revokedkeys /etc/ssh/gatehouse/revoked_keys" in settings
    listed = machine.etc / "ssh/gatehouse/revoked_keys"
    assert public in listed.read_text().splitlines()
    machine.apply({**machine.state(user()), "revoked_keys": [public]}, UNCHANGED)
    assert machine.apply(machine.state(user()), CHANGED)["sshd"] == {"changed": True, "reloaded": False}
    machine.apply({**machine.state(user()), "revoked_keys": ["no key"]}, BAD_INPUT)


def test_older_generation(machine):
    """A directory older than the one that was applied is refused; so no late run undoes a newer one."""
    machine.apply(machine.state(user(), generation=7), CHANGED)
    before = machine.contents()
    report = machine.apply(machine.state(generation=6), BAD_INPUT)
    assert "older" in report["errors"][0]
    assert machine.contents() == before


def test_shell_missing(machine):
    """A shell that is not installed becomes /bin/sh, with a remark."""
    report = machine.apply(machine.state(user(shell="/bin/nosuchsh")), CHANGED)
    assert machine.line("passwd", "alice")[6] == "/bin/sh"
    assert "/bin/nosuchsh is not installed" in reason(report)


def test_members_of_the_host_stay(machine):
    """A service that the host's administrator put into a shared group stays there."""
    machine.apply(machine.state(user(), groups=[group("alice")]), CHANGED)
    machine.run("usermod", "-aG", "lab", "daemon")
    machine.apply(machine.state(user(), user("bob", 20001), groups=[group("bob")], generation=2), CHANGED)
    assert machine.line("group", "lab")[3] == "daemon,bob"


@pytest.mark.limit(120)
def test_ten_thousand(machine):
    """Ten thousand accounts are a matter of seconds, and of less when there is nothing to do."""
    users = [user(f"w{number}", 20001 + number) for number in range(10_000)]
    for number in range(10_000):
        (machine.home / f"w{number}").mkdir()
        os.chown(machine.home / f"w{number}", 20001 + number, 20001 + number)
    state = machine.state(*users, groups=[group(*(entry["name"] for entry in users), gid=59000)])
    start = time.monotonic()
    machine.apply(state, CHANGED)
    first = time.monotonic() - start
    start = time.monotonic()
    machine.apply(state, UNCHANGED)
    second = time.monotonic() - start
    print(f"first {first:.2f} s, again {second:.2f} s")
    assert first < 30 and second < 10
