"""The step that makes accounts on a host, on a private copy of /etc and /home; needs root, no lab and no network."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

STEP = Path(__file__).parents[2] / "Sources/Accounts/HostStep"
UNCHANGED, CHANGED, CONFLICTS, BUSY, BAD_INPUT, FAILED = 0, 10, 20, 30, 40, 50
PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
ec2-user:x:1000:1000:\xe9\x0b\xe2\x80\xa8:/home/ec2-user:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
SHADOW = b"root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nsshd:!:19000::::::\nec2-user:*:19000:0:99999:7:::\n"
SHADOW += b"nobody:*:19000:0:99999:7:::\n"
GROUP = b"root:x:0:\ndaemon:x:1:\nshadow:x:42:\nec2-user:x:1000:\nnogroup:x:65534:\n"
GSHADOW = b"root:*::\ndaemon:*::\nshadow:*::\nec2-user:!::\nnogroup:*::\n"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


class Machine:
    """A private /etc and /home below a folder; every command sees them in a mount namespace of its own."""

    def __init__(self, folder):
        self.folder, self.etc, self.home = folder, folder / "etc", folder / "home"
        self.home.mkdir()
        self.etc.mkdir()
        for name in ("pam.d", "security", "ld.so.cache", "ld.so.conf", "nsswitch.conf", "login.defs", "alternatives",
                     "shells", "default", "sudoers", "pam.conf", "environment", "hosts", "localtime"):
            source = Path("/etc", name)
            if source.is_dir():
                shutil.copytree(source, self.etc / name, symlinks=True)
            elif source.exists():
                shutil.copy2(source, self.etc / name)
        for name, data, mode in (("passwd", PASSWD, 0o644), ("group", GROUP, 0o644), ("shadow", SHADOW, 0o640),
                                 ("gshadow", GSHADOW, 0o640)):
            (self.etc / name).write_bytes(data)
            (self.etc / name).chmod(mode)
        for name in ("ssh/sshd_config.d", "sudoers.d", "skel/.config"):
            (self.etc / name).mkdir(parents=True)
        (self.etc / "skel/.profile").write_text("# yours\n")
        (self.etc / "skel/.config/deep").write_text("deep\n")
        (self.etc / "skel/link").symlink_to(".profile")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.etc / "ssh/key"], check=True)
        self.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf")
        self.authority = folder / "ca"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.authority], check=True)

    def configure_sshd(self, *lines):
        text = "\n".join([*lines, "HostKey /etc/ssh/key", f"PidFile {self.folder}/sshd.pid", ""])
        (self.etc / "ssh/sshd_config").write_text(text)

    def words(self, *command, read_only=False):
        script = 'set -e; mkdir -p /run/sshd; mount --bind "$0/home" /home; mount --bind "$0/etc" /etc; '
        script += 'mount -o remount,bind,ro /etc; exec "$@"' if read_only else 'exec "$@"'
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(self.folder), *map(str, command)]

    def run(self, *command, check=True, **more):
        return subprocess.run(self.words(*command), check=check, capture_output=True, **more)

    def step_words(self, prelude="", **more):
        return self.words(sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(STEP)!r})\n"
                          f"sys.dont_write_bytecode = True\n{prelude}\nimport apply", **more)

    def apply(self, state, expect=None, prelude="", **more):
        """Runs the step; its report with the exit status in it."""
        data = state if isinstance(state, bytes) else json.dumps(state).encode()
        done = subprocess.run(self.step_words(prelude, **more), input=data, capture_output=True)
        assert done.stdout.count(b"\n") == 1, (done.returncode, done.stdout, done.stderr.decode())
        report = json.loads(done.stdout)
        report["status"] = done.returncode
        assert expect is None or done.returncode == expect, report
        return report

    def state(self, *users, groups=(), generation=1):
        return {
            "schema": 1, "generation": generation, "range": [20000, 59999], "accept_env": ["LANG", "LC_*"],
            "certificate_authority": self.authority.with_suffix(".pub").read_text().strip(),
            "users": list(users), "groups": list(groups),
        }

    def line(self, file, name):
        lines = (self.etc / file).read_bytes().split(b"\n")
        found = [line.decode() for line in lines if line.split(b":")[0] == name.encode()]
        return found[0].split(":") if found else None

    def is_let_in(self, name):
        return (self.etc / "ssh/gatehouse/principals" / name).exists()

    def contents(self):
        """Every file below /etc and /home with what it holds and whose it is."""
        found = {}
        for path in sorted([*self.etc.rglob("*"), *self.home.rglob("*")]):
            status = path.lstat()
            data = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(self.folder))] = (data, status.st_mode, status.st_uid, status.st_gid)
        return found

    def stamps(self):
        paths = sorted([*self.etc.rglob("*"), *self.home.rglob("*")])
        return [(str(path), path.lstat().st_ino, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in paths]

    def assert_sound(self):
        """pwck and grpck have nothing to say."""
        for tool in (("pwck", "-r", "-q"), ("grpck", "-r")):
            done = self.run(*tool, check=False)
            words = (done.stdout + done.stderr).decode()
            words = [w for w in words.splitlines() if not re.search("directory .* does not exist|no changes", w)]
            assert words == [], words


def user(name="alice", uid=20000, **more):
    kinds = {"name": name, "uid": uid, "gid": uid, "full_name": "", "home": f"/home/{name}", "shell": "/bin/sh",
             "sudo": False, "keys": [], "restrictions": []}
    return {**kinds, **more}


def group(*members, name="lab", gid=30000):
    return {"name": name, "gid": gid, "members": list(members)}


def results(report, kind="users"):
    return {entry["name"]: entry["result"] for entry in report[kind]}


def reason(report, name="alice"):
    return next(entry["reason"] for entry in report["users"] if entry["name"] == name)


@pytest.fixture
def machine(tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent != Path("/") and parent != Path("/tmp"):
            parent.chmod(0o755)
    return Machine(tmp_path)


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
    assert (machine.etc / "ssh/gatehouse/authorized_keys/alice").read_text() == f"no-port-forwarding {key}\n"
    assert not (machine.etc / "ssh/gatehouse/authorized_keys/bob").exists()
    home = machine.home / "alice"
    assert (home.stat().st_uid, home.stat().st_gid, home.stat().st_mode & 0o7777) == (20000, 20000, 0o700)
    assert {path.name for path in home.rglob("*")} == {".profile", ".config", "deep", "link"}
    assert {path.lstat().st_uid for path in home.rglob("*")} == {20000}
    assert (home / ".config/deep").read_text() == "deep\n"
    assert (machine.etc / "sudoers.d/gatehouse-alice").stat().st_mode & 0o777 == 0o440
    assert not (machine.etc / "sudoers.d/gatehouse-bob").exists()
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
    (machine.etc / "ssh/gatehouse/authorized_keys/alice").write_text("ssh-ed25519 EVIL\n")
    (machine.etc / "ssh/gatehouse/authorized_keys/mallory").write_text("ssh-ed25519 EVIL\n")
    assert results(machine.apply(state, CHANGED)) == {"alice": "updated"}
    after = machine.contents()
    assert {path: after[path] for path in before} == before
    assert not (machine.etc / "ssh/gatehouse/authorized_keys/mallory").exists()


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
    assert not (machine.etc / "sudoers.d/gatehouse-alice").exists()
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
    assert not (machine.etc / "ssh/gatehouse/authorized_keys/alice").exists()
    assert not (machine.etc / "sudoers.d/gatehouse-alice").exists()
    assert not (machine.home / "alice").exists()


def change(machine, file, old, new):
    """Edits an account file as somebody with an editor would."""
    text = (machine.etc / file).read_text("latin-1")
    assert old in text
    (machine.etc / file).write_text(text.replace(old, new), "latin-1")


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
    (machine.etc / "ssh/gatehouse/authorized_keys/alice").write_text("ssh-ed25519 EVIL\n")
    (machine.etc / "sudoers.d/gatehouse-alice").write_text("alice ALL=(ALL) ALL # mine\n")
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
            assert reason(report) == "locked: not wanted here any more, processes ended: 1"
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
    assert not (machine.etc / "sudoers.d/gatehouse-alice").exists()
    assert not (machine.etc / "ssh/gatehouse/authorized_keys/alice").exists()
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


@pytest.mark.parametrize("name", ["", "12345", "1abc", "Alice", "al.ice", "svc$", "a@b.com", "zoë", "a" * 32, "-abc",
                                  "a b", "root", "ec2-user", "ssm-user", "alice\n", "../x"])
def test_bad_name(machine, name):
    """A name that is not one for a person is refused, and nothing of it appears anywhere."""
    before = (machine.etc / "passwd").read_bytes()
    report = machine.apply(machine.state({**user(), "name": name}), CONFLICTS)
    assert (report["users"][0]["result"], report["users"][0]["reason"]) == ("conflict", "bad-name")
    assert (machine.etc / "passwd").read_bytes() == before


@pytest.mark.parametrize("uid", [-1, 0, 500, 1000, 19999, 60000, 65534, 65535, 2**31, 2**32 - 2, 2**32])
def test_uid_out_of_range(machine, uid):
    """A number outside of the range is refused."""
    report = machine.apply(machine.state(user(uid=uid)), CONFLICTS)
    assert reason(report) == "id-out-of-range"


@pytest.mark.parametrize("field, value", [
    ("full_name", "x\nroot2::0:0::/:/bin/sh"), ("full_name", "a:b"), ("full_name", "\x00"), ("home", "/home/a:b"),
    ("home", "home"), ("home", "/home/../etc"), ("shell", "/bin/sh\n"), ("shell", "sh"),
    ("keys", ["ssh-ed25519 AAAA\nssh-ed25519 BBBB"]), ("keys", ['command="x" ssh-ed25519 AAAA']), ("keys", [""]),
    ("restrictions", ['command="x"']),
])
def test_bad_field(machine, field, value):
    """A field that could break out of its line is refused."""
    report = machine.apply(machine.state(user(**{field: value})), CONFLICTS)
    assert reason(report) == "bad-field"
    assert machine.line("passwd", "alice") is None


def bad_inputs():
    good = {"schema": 1, "generation": 1, "range": [20000, 59999], "accept_env": [], "users": [user()], "groups": [],
            "certificate_authority": "ssh-ed25519 AAAA"}
    yield "nothing", b""
    yield "not UTF-8", b"\xff"
    yield "truncated", json.dumps(good).encode()[:-5]
    yield "a list", b"[]"
    yield "deep", b"[" * 100_000
    yield "another schema", {**good, "schema": 2}
    yield "no users", {key: value for key, value in good.items() if key != "users"}
    yield "text for a number", {**good, "users": [user(uid="20000")]}
    yield "truth for a number", {**good, "users": [user(uid=True)]}
    yield "same name twice", {**good, "users": [user(), user(uid=20001)]}
    yield "same uid twice", {**good, "users": [user(), user("bob")]}
    yield "a group with a user's gid", {**good, "groups": [group(gid=20000)]}
    yield "range with root", {**good, "range": [0, 59999]}
    yield "an authority with options", {**good, "certificate_authority": "cert-authority ssh-ed25519 AAAA"}
    yield "an authority of two lines", {**good, "certificate_authority": "ssh-ed25519 AAAA\nssh-ed25519 BBBB"}
    yield "two words to accept", {**good, "accept_env": ["LANG\nPermitRootLogin yes"]}
    yield "loader variables", {**good, "accept_env": ["LD_*"]}


@pytest.mark.parametrize("state", [pytest.param(state, id=name) for name, state in bad_inputs()])
def test_bad_input(machine, state):
    """A state that is not one is refused before anything is touched."""
    before = machine.stamps()
    report = machine.apply(state, BAD_INPUT)
    assert len(report["errors"]) == 1 and report["changed"] is False
    assert machine.stamps() == before


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


@pytest.mark.parametrize("content", ["", "1", "999999"])
def test_stale_lock_files(machine, content):
    """Lock files of the shadow tools do not matter; the lock of the system does."""
    (machine.etc / "passwd.lock").write_text(content)
    machine.apply(machine.state(user()), CHANGED)


@pytest.mark.limit(60)
def test_account_files_are_locked(machine):
    """While another program holds the account files, the step waits, gives up and has changed nothing."""
    holder = subprocess.Popen(machine.words(sys.executable, "-c", (
        "import ctypes, time; assert ctypes.CDLL(None).lckpwdf() == 0; print('held', flush=True); time.sleep(60)")),
        stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        report = machine.apply(machine.state(user()), BUSY)
        assert "another program" in report["errors"][0]
        assert machine.line("passwd", "alice") is None
    finally:
        holder.kill()
        holder.wait()


def test_read_only(machine):
    """On a file system that cannot be written nothing is half done."""
    before = machine.contents()
    report = machine.apply(machine.state(user()), FAILED, read_only=True)
    assert report["errors"] and machine.contents() == before


def test_immutable_file(machine):
    """With one of the files made immutable, none of them is changed."""
    if subprocess.run(["chattr", "+i", machine.etc / "passwd"], capture_output=True).returncode != 0:
        pytest.skip("the file system knows no immutable files")
    try:
        report = machine.apply(machine.state(user()), FAILED)
        assert "/etc/passwd cannot be written" in report["errors"][0]
        assert (machine.etc / "group").read_bytes() == GROUP
    finally:
        subprocess.run(["chattr", "-i", machine.etc / "passwd"], check=True)


KILLED = """
import os, signal
points = %d
def deadly(name, real):
    def call(*arguments, **more):
        global points
        points -= 1
        if points == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    setattr(os, name, call)
for name in ("rename", "unlink", "mkdir", "open", "fchown", "fchmod", "symlink"):
    deadly(name, getattr(os, name))
"""


@pytest.mark.limit(180)
def test_killed_anywhere(machine, tmp_path_factory):
    """Killed before any of its changes, a change of everything ends the same after the next run."""
    first = machine.state(user("bob", 20001, keys=["ssh-ed25519 AAAA"], sudo=True), groups=[group("bob")])
    second = machine.state(user(keys=["ssh-ed25519 AAAA"], sudo=True), groups=[group("alice")], generation=2)
    second["accept_env"] = ["LANG"]
    machine.apply(first, CHANGED)
    start = tmp_path_factory.mktemp("start")
    for folder in ("etc", "home"):
        subprocess.run(["cp", "-a", machine.folder / folder, start], check=True)
    machine.apply(second, CHANGED)
    wanted, point = machine.contents(), 0
    while True:
        point += 1
        for folder in ("etc", "home"):
            shutil.rmtree(machine.folder / folder)
            subprocess.run(["cp", "-a", start / folder, machine.folder], check=True)
        words, state = machine.step_words(KILLED % point), json.dumps(second).encode()
        killed = subprocess.run(words, input=state, capture_output=True)
        if killed.returncode == CHANGED:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        for name, before in (("passwd", PASSWD), ("shadow", SHADOW), ("group", GROUP)):
            assert (machine.etc / name).read_bytes().startswith(before)
        if machine.line("passwd", "alice"):
            assert machine.line("shadow", "alice") and machine.line("group", "alice")
        machine.apply(second)
        assert machine.contents() == wanted, f"killed at {point}"
        machine.apply(second, UNCHANGED)
    assert point > 40


@pytest.mark.limit(120)
def test_race_with_useradd(machine):
    """Accounts that `useradd` makes at the same time are all there at the end, and so are Gatehouse's."""
    script = "for i in $(seq 12); do useradd -M -K UID_MIN=1001 -u $((1100+i)) local$i || exit 1; done"
    other = subprocess.Popen(machine.words("sh", "-c", script))
    for count in range(1, 13):
        users = [user(f"u{number}", 20000 + number) for number in range(count)]
        machine.apply(machine.state(*users, generation=count), CHANGED)
    assert other.wait() == 0
    for number in range(1, 13):
        assert machine.line("passwd", f"local{number}") and machine.line("passwd", f"u{number - 1}")
    machine.assert_sound()


def test_two_runs_at_once(machine):
    """Two runs take turns; the newer directory wins, whichever comes first."""
    states = [machine.state(user(), generation=1), machine.state(user(), user("bob", 20001), generation=2)]
    runs = []
    for state in states * 3:
        process = subprocess.Popen(machine.step_words(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(json.dumps(state).encode())
        process.stdin.close()
        runs.append(process)
    assert {process.wait() for process in runs} <= {UNCHANGED, CHANGED, BAD_INPUT}
    for process in runs:
        process.stdout.close()
    assert machine.is_let_in("bob")
    machine.assert_sound()


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


# sshd


def test_sshd_does_not_include(machine):
    """Without the Include in sshd's configuration the report says what to write where."""
    machine.configure_sshd()
    report = machine.apply(machine.state(user()), FAILED)
    assert "Include /etc/ssh/sshd_config.d/*.conf" in report["errors"][0]
    assert results(report) == {"alice": "created"}


def test_sshd_other_file_wins(machine):
    """A file that sets the same before ours is reported."""
    (machine.etc / "ssh/sshd_config.d/05-site.conf").write_text("TrustedUserCAKeys /etc/ssh/site.pub\n")
    assert "TrustedUserCAKeys" in machine.apply(machine.state(user()), FAILED)["errors"][0]


def test_sshd_is_rolled_back(machine):
    """A configuration that sshd does not take goes back to the one before, and comes when the fault is gone."""
    machine.apply(machine.state(user()), CHANGED)
    ours = machine.etc / "ssh/sshd_config.d/10-gatehouse.conf"
    before = ours.read_bytes()
    machine.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf", "NoSuchKeyword yes")
    state = machine.state(user())
    state["accept_env"] = ["OTHER"]
    report = machine.apply(state, FAILED)
    assert "NoSuchKeyword" in report["errors"][0] or "nosuchkeyword" in report["errors"][0].lower()
    assert ours.read_bytes() == before
    machine.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf")
    assert machine.apply(state, CHANGED)["sshd"]["changed"] is True
    assert b"AcceptEnv OTHER" in ours.read_bytes()


class Daemon:
    """A real sshd on the machine's private /etc."""

    def __init__(self, machine, *lines):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.machine = machine
        machine.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf", f"ListenAddress 127.0.0.1:{self.port}",
                               "PasswordAuthentication no", *lines)
        self.process = subprocess.Popen(machine.words("/usr/sbin/sshd", "-D", "-e"), stderr=subprocess.PIPE)
        for name in ("alice", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", machine.folder / name], check=True)
        self.wait()

    def wait(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                    if client.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("sshd does not answer")

    def certify(self, principal):
        subprocess.run(["ssh-keygen", "-q", "-s", self.machine.authority, "-I", "test", "-n", principal, "-V", "+5m",
                        self.machine.folder / "alice.pub"], check=True)

    def login(self, name, key="alice", certificate=True):
        words = ["ssh", "-F", "none", "-p", str(self.port), "-i", self.machine.folder / key, "-o", "BatchMode=yes",
                 "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "LogLevel=ERROR"]
        if not certificate:
            (self.machine.folder / "alice-cert.pub").unlink(missing_ok=True)
        done = subprocess.run([*words, f"{name}@127.0.0.1", "id -un"], capture_output=True, timeout=20,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.machine.folder)})
        return done.stdout.decode().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture(params=["UsePAM yes", "UsePAM no"])
def daemon(machine, request):
    daemon = Daemon(machine, request.param)
    yield daemon
    daemon.stop()


def reload_and_wait(daemon, state, expect):
    report = daemon.machine.apply(state, expect)
    daemon.wait()
    return report


@pytest.mark.limit(60)
def test_logins(machine, daemon):
    """The running sshd takes certificates and keys of Gatehouse's users, of nobody else, and not of locked ones."""
    with (machine.etc / "passwd").open("ab") as file:
        file.write(b"local:x:1500:1000::/home/local:/bin/sh\ncarol:x:1501:1000::/home/carol:/bin/sh\n")
    with (machine.etc / "shadow").open("a") as file:
        file.write("local:*:19000:0:99999:7:::\ncarol:*:19000:0:99999:7:::\n")
    for name, uid in (("local", 1500), ("alice", 20000)):
        (machine.home / name / ".ssh").mkdir(parents=True)
        shutil.copy(machine.folder / "other.pub", machine.home / name / ".ssh/authorized_keys")
        subprocess.run(["chown", "-R", str(uid), machine.home / name], check=True)
        subprocess.run(["chmod", "-R", "go-w", machine.home / name], check=True)
    key = (machine.folder / "alice.pub").read_text().strip()
    state = machine.state(user(keys=[key]), user("carol", 20001))
    report = reload_and_wait(daemon, state, CONFLICTS)
    assert report["sshd"] == {"changed": True, "reloaded": True}

    assert daemon.login("alice", certificate=False) == "alice", "the user's own key, for jumps"
    assert daemon.login("alice", "other") == "", "a key that the user put into the home"
    assert daemon.login("local", "other") == "local", "the host's own account with its own key"
    daemon.certify("alice")
    (machine.etc / "ssh/gatehouse/authorized_keys/alice").unlink()
    assert daemon.login("alice") == "alice", "a certificate"
    daemon.certify("carol")
    assert daemon.login("carol") == "", "a certificate for an account that is not Gatehouse's"
    daemon.certify("root")
    assert daemon.login("root") == ""

    machine.apply(machine.state(generation=2))
    daemon.certify("alice")
    assert daemon.login("alice") == "", "a certificate of a locked account"
    (machine.etc / "ssh/gatehouse/principals/alice").write_text("alice\n")
    assert daemon.login("alice") == "", "the account itself has expired, too"


@pytest.mark.limit(60)
def test_reload_that_was_missed(machine):
    """A run that was killed between writing sshd's file and telling sshd is made good by the next."""
    daemon = Daemon(machine)
    try:
        prelude = "import os, signal\nreal = os.kill\nos.kill = lambda pid, number: real(os.getpid(), signal.SIGKILL)"
        killed = subprocess.run(machine.step_words(prelude), input=json.dumps(machine.state(user())).encode())
        assert killed.returncode == -signal.SIGKILL
        assert machine.apply(machine.state(user()), CHANGED)["sshd"] == {"changed": False, "reloaded": True}
        daemon.wait()
        daemon.certify("alice")
        assert daemon.login("alice") == "alice"
        assert machine.apply(machine.state(user()), UNCHANGED)["sshd"] == {"changed": False, "reloaded": False}
    finally:
        daemon.stop()
